//! tokenizer.ggml.pre -> how text is cut before byte-pair merging. GGUF keeps only this name; the patterns
//! are those of the families' own tokenizer.json files. A name that is not here is refused: a wrong cut
//! changes token ids silently.

use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::punctuation::Punctuation;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::tokenizer::normalizer::SplitDelimiterBehavior;
use tokenizers::NormalizerWrapper;

use crate::failure::{fail, foreign, Outcome};

pub enum Stage {
    /// Every match of the pattern is a piece, and so is what lies between.
    Pattern(&'static str),
    /// Each digit on its own (true) or runs of digits (false).
    Digits(bool),
    PunctuationRuns,
    /// Bytes to their printable letters; cutting by GPT-2's pattern first if true.
    Bytes(bool),
}

pub struct Family {
    pub names: &'static [&'static str],
    pub stages: &'static [Stage],
    /// Unicode NFC before anything else.
    pub nfc: bool,
    /// A piece that is a token as a whole is not built up by merges.
    pub ignore_merges: bool,
    /// Whether a BOS is added when the file does not say.
    pub adds_bos: bool,
}

use Stage::{Bytes, Digits as DigitStage, Pattern, PunctuationRuns};

const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN35: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const TEKKEN: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const O200K: &str = r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const DEEPSEEK3: &str = r##"[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"##;
const SEED: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+";
const BAILING: &str = r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+";

pub const FAMILIES: &[Family] = &[
    Family {
        names: &["gpt-2", "phi-2", "roberta-bpe", "jais", "trillion", "exaone4"],
        stages: &[Bytes(true)],
        nfc: false,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["olmo", "mpt"],
        stages: &[Bytes(true)],
        nfc: true,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b"],
        stages: &[DigitStage(true), Bytes(true)],
        nfc: false,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["command-r"],
        stages: &[DigitStage(true), Bytes(true)],
        nfc: true,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["llama3", "llama-v3", "llama-bpe", "falcon3", "lfm2", "pixtral"],
        stages: &[Pattern(LLAMA3), Bytes(false)],
        nfc: false,
        ignore_merges: true,
        adds_bos: true,
    },
    Family {
        names: &["dbrx", "smaug-bpe", "glm4", "chatglm-bpe"],
        stages: &[Pattern(LLAMA3), Bytes(false)],
        nfc: false,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["qwen2", "megrez", "stablelm2"],
        stages: &[Pattern(QWEN2), Bytes(false)],
        nfc: true,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["deepseek-r1-qwen", "hunyuan", "grok-2", "solar-open"],
        stages: &[Pattern(QWEN2), Bytes(false)],
        nfc: false,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["qwen35"],
        stages: &[Pattern(QWEN35), Bytes(false)],
        nfc: true,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["tekken"],
        stages: &[Pattern(TEKKEN), Bytes(false)],
        nfc: false,
        ignore_merges: true,
        adds_bos: true,
    },
    Family {
        names: &["gpt-4o", "llama4"],
        stages: &[Pattern(O200K), Bytes(false)],
        nfc: false,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["deepseek-v3", "hunyuan-dense"],
        stages: &[Pattern(r"\p{N}{1,3}"), Pattern(r"[一-龥぀-ゟ゠-ヿ]+"), Pattern(DEEPSEEK3), Bytes(false)],
        nfc: false,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["deepseek-coder"],
        stages: &[
            Pattern(r"[\r\n]"),
            Pattern(r"\s?\p{L}+"),
            Pattern(r"\s?\p{P}+"),
            Pattern("[一-龥ࠀ-一가-퟿]+"),
            DigitStage(true),
            Bytes(false),
        ],
        nfc: false,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["falcon"],
        stages: &[PunctuationRuns, Bytes(true), DigitStage(false), Pattern("[0-9][0-9][0-9]")],
        nfc: false,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["seed-coder"],
        stages: &[Pattern(SEED), Bytes(false)],
        nfc: false,
        ignore_merges: false,
        adds_bos: false,
    },
    Family {
        names: &["bailingmoe", "bailingmoe2", "llada-moe"],
        stages: &[Pattern(BAILING), Bytes(false)],
        nfc: false,
        ignore_merges: false,
        adds_bos: false,
    },
];

pub fn family(pre: &str) -> Outcome<&'static Family> {
    match FAMILIES.iter().find(|family| family.names.contains(&pre)) {
        Some(family) => Ok(family),
        None => fail(
            "text.pre",
            format!(
                "tokenizer.ggml.pre is \"{}\", a way of cutting text that is not known here",
                crate::failure::shown(pre)
            ),
        ),
    }
}

impl Family {
    pub fn pre_tokenizer(&self) -> Outcome<PreTokenizerWrapper> {
        let mut stages: Vec<PreTokenizerWrapper> = Vec::new();
        for stage in self.stages {
            stages.push(match stage {
                Pattern(pattern) => Split::new(
                    SplitPattern::Regex((*pattern).to_string()),
                    SplitDelimiterBehavior::Isolated,
                    false,
                )
                .map_err(|error| foreign("text.internal", pattern, &error))?
                .into(),
                DigitStage(individual) => Digits::new(*individual).into(),
                PunctuationRuns => Punctuation::new(SplitDelimiterBehavior::Contiguous).into(),
                Bytes(cut) => ByteLevel::new(false, true, *cut).into(),
            });
        }
        Ok(Sequence::new(stages).into())
    }

    pub fn normalizer(&self) -> Option<NormalizerWrapper> {
        self.nfc.then(|| NFC.into())
    }
}
