// What tests/peers/tiny_families.py wrote.
#pragma once

#include "core/container/safetensors.h"
#include "core/study/intervention.h"

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>

#include <QtCore/QFile>
#include <QtCore/QJsonArray>
#include <QtCore/QJsonDocument>
#include <QtCore/QJsonObject>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace azimuth::families {

struct Model {
    std::string name, folder;
    bool parallel = false;
    std::vector<std::string> containers; // "hf", "v4", "gguf"
    std::vector<Arm> arms;               // a direction is named by its row
    SafetensorsFile file;
    std::vector<std::vector<std::int32_t>> ids;          // [prompt]
    std::vector<std::vector<std::int64_t>> continuation; // [prompt], of all arms one after another

    std::string path(const std::string& container) const {
        return folder + (container == "gguf" ? "/model.gguf" : "/" + container);
    }
    at::Tensor tensor(const std::string& key) const {
        const auto shape = file.at(key).shape;
        auto values = file.floats(key, std::vector<std::int64_t>(shape.size(), -1));
        return at::from_blob(values.data(), shape, at::kFloat).clone();
    }
    // Of all prompts' tokens one after another; k < 0: the tensor has no axis of k.
    at::Tensor all(const std::string& site, std::int64_t k = -1) const {
        std::vector<at::Tensor> parts;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const at::Tensor part = tensor(site + "/" + std::to_string(i));
            parts.push_back(k < 0 ? part : part[k]);
        }
        return at::cat(parts);
    }
};

inline Intervention interventionOf(const QJsonObject& object) {
    const auto text = [&](const char* key) { return object[QLatin1String(key)].toString().toStdString(); };
    const auto number = [&](const char* key) { return object[QLatin1String(key)].toInteger(); };
    Intervention edit;
    for (const auto operation : {Operation::Add, Operation::Ablate, Operation::Affine})
        if (toString(operation) == text("operation"))
            edit.operation = operation;
    for (const auto scope :
         {TokenScope::All, TokenScope::Prompt, TokenScope::Generated, TokenScope::LastPromptTokenOn})
        if (toString(scope) == text("scope"))
            edit.scope = scope;
    for (const auto site : {Site::Resid, Site::ResidMid, Site::AttnOut, Site::MlpOut})
        if (toString(site) == text("site"))
            edit.site = site;
    edit.direction = std::to_string(number("direction"));
    edit.strength = object[QLatin1String("strength")].toDouble();
    edit.kFrom = number("k_from");
    edit.kTo = number("k_to");
    return edit;
}

inline std::vector<Model> read(const std::string& root) {
    QFile list(QString::fromStdString(root + "/models.json"));
    if (!list.open(QIODevice::ReadOnly))
        return {};
    std::vector<Model> models;
    for (const auto& value : QJsonDocument::fromJson(list.readAll()).array()) {
        const auto row = value.toObject();
        const auto name = row[QLatin1String("name")].toString().toStdString();
        Model model{name,
                    root + "/" + name,
                    row[QLatin1String("parallel")].toBool(),
                    {"hf"},
                    {},
                    SafetensorsFile::open(root + "/" + name + "/reference.safetensors"),
                    {},
                    {}};
        for (const char* container : {"v4", "gguf"})
            if (row[QLatin1String(container)].toBool())
                model.containers.emplace_back(container);
        for (const auto& arm : row[QLatin1String("arms")].toArray()) {
            model.arms.push_back({"arm " + std::to_string(model.arms.size()), {}});
            for (const auto& edit : arm.toArray())
                model.arms.back().interventions.push_back(interventionOf(edit.toObject()));
        }
        for (int i = 0; model.file.find("tokens/" + std::to_string(i)); ++i) {
            const auto number = std::to_string(i);
            model.ids.emplace_back();
            for (const auto id : model.file.integers("tokens/" + number))
                model.ids.back().push_back(static_cast<std::int32_t>(id));
            model.continuation.push_back(model.file.integers("continuation/" + number));
        }
        models.push_back(std::move(model));
    }
    return models;
}

} // namespace azimuth::families
