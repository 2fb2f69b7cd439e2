// azimuth models: what azimuth-worker finds in the folders of the user's settings and in its own.
#include "app/session/settings.h"
#include "app/session/worker_client.h"
#include "app/workbench/verbs/verbs.h"
#include "core/base/error.h"

#include <cerrno>
#include <QCoreApplication>
#include <QFileInfo>
#include <unistd.h>

namespace azimuth {

int showModels(bool json, int argc, char** argv) {
    const QCoreApplication application(argc, argv);
    const auto program = WorkerClient::defaultProgram().toStdString();
    std::vector<std::string> arguments{program, "inspect", "--list"};
    if (json)
        arguments.push_back("--json");
    for (const auto& folder : modelSearchFolders({}, Settings().modelFolders())) {
        if (!QFileInfo(folder).isDir())
            continue;
        arguments.push_back("--search");
        arguments.push_back(folder.toStdString());
    }
    std::vector<char*> pointers;
    for (auto& argument : arguments)
        pointers.push_back(argument.data());
    pointers.push_back(nullptr);
    ::execv(program.c_str(), pointers.data()); // its output and exit code are this verb's
    throw systemError("start", program, errno);
}

} // namespace azimuth
