"""Plants one violation of each kind in a small clean tree; check_layering.py must find exactly that one."""

import pathlib
import tempfile

CLEAN = {
    "core/base/CMakeLists.txt": "azimuth_module(core/base\n  SOURCES log.cpp\n"
    "  LIBRARIES nlohmann_json::nlohmann_json\n  PRIVATE_LIBRARIES spdlog::spdlog)\n",
    "core/base/log.h": "// never QMessageBox, never std::regex\n#include <string>\n"
        "#include <nlohmann/json.hpp>\n",
    "core/base/log.cpp": '#include "core/base/log.h"\n#include <spdlog/spdlog.h>\n',
    "core/container/CMakeLists.txt": "azimuth_module(core/container SOURCES file.cpp USES core/base)\n",
    "core/container/file.h": '#include "core/base/log.h"\n',
    "core/container/file.cpp": '#include "core/container/file.h"\n#include <sys/mman.h>\n',
    "core/study/CMakeLists.txt": "azimuth_module(core/study SOURCES model.cpp USES core/base)\n",
    "core/study/model.h": '#include "core/base/log.h"\n#include <nlohmann/json.hpp>\n',
    "core/study/model.cpp": '#include "core/study/model.h"\n',
    "core/engine/checkpoint/CMakeLists.txt": "azimuth_module(core/engine/checkpoint SOURCES load.cpp USES "
        "core/study core/container LIBRARIES azimuth::torch)\n",
    "core/engine/checkpoint/load.h": "#include <ATen/core/Tensor.h>\n",
    "core/engine/checkpoint/load.cpp": '#include "core/engine/checkpoint/load.h"\n#include "core/base/log.h"\n'
        '#include "core/study/model.h"\n',
    "app/session/CMakeLists.txt": "azimuth_module(app/session SOURCES client.cpp USES core/study "
        "LIBRARIES Qt6::Core)\n",
    "app/session/client.cpp": '#include <QObject>\n#include "core/study/model.h"\n#include "client.moc"\n',
    "tests/core/base/log_test.cpp": '#include <QtTest/QTest>\n#include <ATen/ATen.h>\n'
        '#include "core/base/log.h"\n',
}


def append(name, text):
    return {name: CLEAN.get(name, "") + text}


# (what is planted, files that replace those of CLEAN, a part of the one line that must be found)
PLANTED = [
    (
        "an include against the arrows",
        append("core/base/log.cpp", '#include "core/study/model.h"\n'),
        "core/base may not include core/study/model.h",
    ),
    (
        "a sideways include",
        append("core/study/model.cpp", '#include "core/container/file.h"\n'),
        "core/study may not include core/container/file.h",
    ),
    (
        "the engine in the session",
        append("app/session/client.cpp", '#include "core/engine/checkpoint/load.h"\n'),
        "app/session may not include core/engine",
    ),
    (
        "an allowed include without an arrow",
        append("app/session/client.cpp", '#include "core/container/file.h"\n'),
        "app/session declares no arrow to core/container",
    ),
    (
        "an arrow against the table",
        {
            "core/container/CMakeLists.txt": "azimuth_module(core/container SOURCES file.cpp USES core/base "
                "core/study)\n"
        },
        "core/container may not use core/study",
    ),
    (
        "an arrow by a target's name",
        append(
            "core/container/CMakeLists.txt",
            "target_link_libraries(azimuth_core_container PUBLIC azimuth_core_study)\n",
        ),
        "core/container may not use core/study",
    ),
    (
        "an arrow to an unknown folder",
        append("core/container/CMakeLists.txt", "azimuth_use(azimuth_core_container core/util)\n"),
        "uses core/util",
    ),
    (
        "a module of another name",
        {"core/container/CMakeLists.txt": "azimuth_module(core/files SOURCES file.cpp USES core/base)\n"},
        "azimuth_module(core/files) in the folder core/container",
    ),
    ("a folder outside the table", {"core/util/help.h": "\n"}, "core/util/help.h: its folder is not in"),
    (
        "a subfolder in core",
        {"core/base/detail/help.h": "\n"},
        "core/base/detail/help.h: its folder is not in",
    ),
    ("code that is never built", {"core/judge/rules.cpp": "\n"}, "core/judge has no CMakeLists.txt"),
    (
        "a circle",
        {
            "core/engine/capture/CMakeLists.txt": "azimuth_module(core/engine/capture SOURCES a.h USES "
                "core/engine/steer)\n",
            "core/engine/steer/CMakeLists.txt": "azimuth_module(core/engine/steer SOURCES a.h)\n"
            "azimuth_use(azimuth_core_engine_steer core/engine/capture)\n",
        },
        "its arrows run in a circle",
    ),
    ("Qt in core", append("core/study/model.cpp", "#include <QString>\n"), "core/study may not include Qt"),
    (
        "Qt linked to core",
        append(
            "core/study/CMakeLists.txt", "target_link_libraries(azimuth_core_study PRIVATE Qt6::Core)\n"
        ),
        "core/study may not link Qt (Qt6::Core)",
    ),
    (
        "Qt in core's precompiled header",
        append(
            "core/study/CMakeLists.txt",
            "target_precompile_headers(azimuth_core_study PRIVATE <string> <QtCore>)\n",
        ),
        "core/study may not include Qt (QtCore)",
    ),
    (
        "widgets in the session",
        append(
            "app/session/CMakeLists.txt",
            "target_link_libraries(azimuth_app_session PRIVATE Qt6::Widgets)\n",
        ),
        "app/session is Qt Core only",
    ),
    (
        "Qt in a shared table",
        {"resources/colour_maps.h": "#include <QColor>\n"},
        "Qt in a header that core shares",
    ),
    (
        "torch outside the engine",
        append("core/container/file.h", "#include <torch/torch.h>\n"),
        "core/container may not include torch",
    ),
    (
        "HDF5 outside the project",
        append("core/study/model.cpp", "#include <H5Cpp.h>\n"),
        "core/study may not include HDF5",
    ),
    ("spdlog in a header", append("core/base/log.h", "#include <spdlog/logger.h>\n"), "spdlog in a header"),
    ("fmt in a test's header", {"tests/core/base/help.h": "#include <fmt/core.h>\n"}, "spdlog in a header"),
    (
        "spdlog elsewhere",
        append("core/container/file.cpp", "#include <spdlog/spdlog.h>\n"),
        "core/container may not include spdlog",
    ),
    ("std::regex", append("core/study/model.cpp", 'static const std::regex word("a+");\n'), "use RE2"),
    (
        "a modal box",
        append("app/session/client.cpp", "void warn() { QMessageBox::warning(nullptr, {}, {}); }\n"),
        "never in a modal box",
    ),
    (
        "a machine's path",
        append("core/base/log.cpp", 'const char *folder = "/ho' 'me/me/models";\n'),
        "an absolute path",
    ),
    ("a long file", append("core/base/log.cpp", "int x;\n" * 601), "600 at most"),
    (
        "an include without its folder",
        append("core/base/log.cpp", '#include "log.h"\n'),
        "not named from the repository",
    ),
    (
        "a test's file in code",
        append("core/base/log.cpp", '#include "tests/core/base/help.h"\n'),
        "includes a test's file",
    ),
]


def violations_of(tree_class, replaced):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in {**CLEAN, **replaced}.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tree_class(folder).check()


def run(tree_class):
    failures = [f"the clean tree: {line}" for line in violations_of(tree_class, {})]
    for what, replaced, expected in PLANTED:
        found = violations_of(tree_class, replaced)
        # A circle is seen from each of its folders.
        if (
            not found
            or not all(expected in line for line in found)
            or (len(found) > 1 and what != "a circle")
        ):
            failures.append(f"{what}: expected one line with '{expected}', found {found}")
    return failures
