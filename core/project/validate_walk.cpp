#include "core/project/validate_walk.h"

#include "core/base/text.h"
#include "core/project/schema.h"

#include <algorithm>
#include <set>

namespace azimuth::h5 {
namespace {

constexpr std::size_t maximumAttributes = 64;
constexpr int maximumDepth = 8;

class Walk {
public:
    Walk(const ReadFile& file, Validation& validation) : m_file(file), m_validation(validation) {}

    void group(hid_t group, const std::string& path, int depth) {
        m_file.checkGroup(group, path.empty() ? "/" : path);
        attributes(group, path.empty() ? "/" : path, false);
        for (const auto& name : m_file.names(group)) {
            const auto place = path + "/" + name;
            if (++m_objects > ReadFile::maximumObjects)
                return problem(place, "there are more than " + std::to_string(ReadFile::maximumObjects) +
                                          " objects");
            if (depth >= maximumDepth)
                return problem(place, "it is nested deeper than " + std::to_string(maximumDepth) + " groups");
            member(group, name, place, depth);
        }
    }

    void object(const std::string& path) {
        const auto slash = path.rfind('/');
        const auto depth = static_cast<int>(std::count(path.begin(), path.end(), '/')) - 1;
        if (slash == 0)
            return member(m_file.root(), path.substr(1), path, depth);
        member(m_file.group(path.substr(0, slash)), path.substr(slash + 1), path, depth);
    }

private:
    void problem(const std::string& place, const std::string& text) {
        m_validation.findings.push_back({Finding::Severity::Problem, forMessage(place, 200), text});
    }
    void note(const std::string& place, const std::string& text) {
        m_validation.findings.push_back({Finding::Severity::Note, forMessage(place, 200), text});
    }

    void member(hid_t parent, const std::string& name, const std::string& place, int depth) {
        if (!isValidUtf8(name) || name != forMessage(name, 255))
            problem(place, "its name has control characters or is not UTF-8");
        H5L_info_t link;
        checkStatus(H5Lget_info(parent, name.c_str(), &link, H5P_DEFAULT), place);
        if (link.type != H5L_TYPE_HARD)
            return problem(place, "it is a soft or external link");
        H5O_info_t object;
        checkStatus(H5Oget_info_by_name2(parent, name.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT), place);
        if (object.rc != 1 || !m_seen.insert(object.addr).second)
            return problem(place, "it has more than one name");
        if (object.type == H5O_TYPE_GROUP) {
            const auto child = azimuth::h5::group(H5Gopen2(parent, name.c_str(), H5P_DEFAULT), place);
            return group(child, place, depth + 1);
        }
        if (object.type != H5O_TYPE_DATASET)
            return problem(place, "it is neither a group nor a dataset");
        const auto id = azimuth::h5::dataset(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), place);
        dataset(id, place);
    }

    void dataset(hid_t id, const std::string& place) {
        const auto type = datatype(H5Dget_type(id), place);
        if (!isAllowed(type))
            return problem(place, "its type is not one of the profile");
        try {
            inspectDataset(m_file, id, place);
        } catch (const Error& error) {
            problem(place, error.message());
        }
        attributes(id, place, true);
    }

    // Integers, floats, enumerations of bytes and fixed strings, little endian.
    static bool isAllowed(hid_t type) {
        const auto kind = H5Tget_class(type);
        if (H5Tcommitted(type) > 0)
            return false;
        const auto size = H5Tget_size(type);
        if (kind == H5T_INTEGER)
            return size <= 8 && (size == 1 || H5Tget_order(type) == H5T_ORDER_LE);
        if (kind == H5T_FLOAT)
            return H5Tequal(type, H5T_IEEE_F32LE) > 0 || H5Tequal(type, H5T_IEEE_F64LE) > 0 ||
                   H5Tequal(type, bfloat16()) > 0;
        if (kind == H5T_ENUM)
            return size == 1;
        return kind == H5T_STRING && H5Tis_variable_str(type) == 0 && size >= 1 && size <= 128;
    }

    void attributes(hid_t object, const std::string& place, bool isDataset) {
        H5O_info_t info;
        checkStatus(H5Oget_info2(object, &info, H5O_INFO_NUM_ATTRS), place);
        if (info.num_attrs > maximumAttributes)
            return problem(place, "it has " + std::to_string(info.num_attrs) + " attributes");
        for (hsize_t i = 0; i < info.num_attrs; ++i) {
            const auto id = attribute(
                H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT), place);
            const auto type = datatype(H5Aget_type(id), place);
            const auto kind = H5Tget_class(type);
            if ((kind != H5T_STRING && kind != H5T_INTEGER && kind != H5T_FLOAT) ||
                H5Tis_variable_str(type) > 0 || H5Aget_storage_size(id) > (64 << 10))
                problem(place, "an attribute is not a fixed string or a number of at most 64 KiB");
        }
        for (const char* name : {"units", "description"})
            if (isDataset && H5Aexists(object, name) <= 0)
                note(place, std::string("it has no attribute ") + name);
    }

    const ReadFile& m_file;
    Validation& m_validation;
    std::set<haddr_t> m_seen;
    std::size_t m_objects = 0;
};

} // namespace

namespace {
template <class Body> void walking(Validation& validation, Body body) {
    try {
        body();
    } catch (const Error& error) {
        validation.findings.push_back({Finding::Severity::Problem, "", error.message()});
    }
}
} // namespace

void walkObjects(const ReadFile& file, Validation& validation) {
    walking(validation, [&] { Walk(file, validation).group(file.root(), "", 0); });
}

void walkObject(const ReadFile& file, const std::string& path, Validation& validation) {
    walking(validation, [&] { Walk(file, validation).object(path); });
}

} // namespace azimuth::h5
