"""The design's table of folders and libraries, as data for check_layering.py."""

ENGINE = ["checkpoint", "text", "model", "capture", "steer", "generate", "methods", "jobs"]
CORE = [
    "base",
    "container",
    "study",
    "stats",
    "geometry",
    "judge",
    "results",
    "protocol",
    "plan",
    "project",
    "exchange",
    "figure",
]


def core(*names):
    return [f"core/{name}" for name in names]


def engine(*names):
    return [f"core/engine/{name}" for name in names]


# folder: the folders that it may use; "may use" is transitive. The folders of one row of the design's table
# (capture, steer, generate) may use each other; arrows must still not run in a circle.
MAY_USE = {
    "core/base": [],
    "core/container": core("base"),
    "core/study": core("base"),
    "core/stats": core("base"),
    "core/geometry": core("stats"),
    "core/judge": core("study", "stats"),
    "core/results": core("study", "stats", "geometry", "judge"),
    "core/protocol": core("study"),
    "core/plan": core("protocol", "results"),
    "core/project": core("study"),
    "core/exchange": core("study", "container"),
    "core/figure": core("results"),
    "core/engine/checkpoint": core("study", "container"),
    "core/engine/text": core("study"),
    "core/engine/model": engine("checkpoint"),
    "core/engine/capture": engine("model", "text", "steer", "generate"),
    "core/engine/steer": engine("model", "text", "capture", "generate"),
    "core/engine/generate": engine("model", "text", "capture", "steer"),
    "core/engine/methods": engine("capture", "steer", "generate") + core("stats", "geometry", "judge"),
    "core/engine/jobs": engine(*ENGINE[:-1]) + core("protocol", "project", "container"),
    "resources": [],
    "widgets": core("figure", "results") + ["resources"],
    "app/session": core(*CORE),
    "app/workbench/theme": ["widgets"],
    "app/workbench": ["widgets", "app/session", "app/workbench/theme"],
    "app/worker": core("container", "protocol"),
}

# Tables and functions without Qt that stand in resources/, beside the colour maps; core/figure
# draws with them.
PLAIN_HEADERS = {"resources/colour_maps.h", "resources/colour_scale.h"}
PLAIN_HEADER_USERS = {"core/figure"}

QT = {"resources", "widgets", "app/session", "app/workbench", "app/workbench/theme"}
TORCH = set(engine("checkpoint", "model", "capture", "steer", "generate", "methods", "jobs"))

# (name, pattern of an <include>, pattern of a CMake target, folders that own it, may stand in a header there)
LIBRARIES = [
    ("Qt", r"Q[A-Zt]\w*(/.*)?|q[a-z]+\.h", r"Qt6::\w+", QT, True),
    ("torch", r"(torch|ATen|c10|caffe2)/.*", r"azimuth::torch|azimuth_torch", TORCH, True),
    ("HDF5", r"(H5\w*|hdf5(_hl)?)\.h", r"azimuth::hdf5|azimuth_hdf5|hdf5\w*", {"core/project"}, True),
    ("spdlog", r"(spdlog|fmt)/.*", r"(spdlog|fmt)::\w+", {"core/base"}, False),
    ("nlohmann", r"nlohmann/.*", r"nlohmann_json::\w+", {"core/base"}, True),
    ("libcrypto", r"openssl/.*", r"OpenSSL::\w+", {"core/base"}, True),
    ("zlib", r"zlib\.h", r"ZLIB::ZLIB", {"core/base"}, True),
    ("utf8proc", r"utf8proc\.h", r"PkgConfig::utf8proc", {"core/base"}, True),
    ("Boost", r"boost/.*", r"Boost::\w+", {"core/stats"}, True),
    ("Eigen", r"(Eigen|unsupported)/.*", r"Eigen3::\w+", {"core/geometry"}, True),
    ("RE2", r"re2/.*", r"PkgConfig::re2", {"core/judge"}, True),
    ("libzip", r"zip\.h", r"PkgConfig::libzip|libzip::\w+", {"core/exchange"}, True),
    ("CLI11", r"CLI/.*", r"CLI11::\w+", {"app/worker", "app/workbench"}, True),
]
# Libraries that whoever uses their owner may include too: their types are part of the owner's interface.
PASSED_ON = {"nlohmann"}
# Session is Qt Core only.
QT_CORE_ONLY = {"app/session"}

# (what, pattern): never in C++ code, in tests neither.
FORBIDDEN_WORDS = [
    (
        "std::regex overflows the stack on long text; use RE2",
        r"\bstd::(w?regex|regex_\w+)\b|#\s*include\s*<regex>",
    ),
    ("errors are shown in the window, never in a modal box", r"\bQMessageBox\b"),
]
LONGEST_FILE = 600
