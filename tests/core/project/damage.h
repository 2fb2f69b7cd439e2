// Chance damage to a file of Azimuth: what disks, networks and people do to files.
#pragma once

#include "core/project/user_block.h"

#include <algorithm>
#include <QRandomGenerator>
#include <string>
#include <vector>

namespace azimuth {

inline constexpr std::size_t sector = 512;

// Damage of five kinds, of the content only.
inline std::string damaged(std::string bytes, int kind, QRandomGenerator& random) {
    const auto content = static_cast<quint32>(bytes.size() - userBlockBytes);
    const auto anywhere = [&] { return userBlockBytes + random.bounded(content); };
    const auto aSector = [&] {
        return userBlockBytes + random.bounded(static_cast<quint32>(content / sector - 1)) * sector;
    };
    switch (kind) {
    case 0: // flips
        for (quint32 i = 0; i <= random.bounded(4u); ++i) {
            auto& byte = bytes[anywhere()];
            byte = static_cast<char>(byte ^ (1 << random.bounded(8)));
        }
        break;
    case 1:
        bytes.replace(aSector(), sector, sector, '\0');
        break;
    case 2: {
        const auto a = aSector(), b = aSector();
        std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(a),
                         bytes.begin() + static_cast<std::ptrdiff_t>(a + sector),
                         bytes.begin() + static_cast<std::ptrdiff_t>(b));
        break;
    }
    case 3:
        bytes.resize(anywhere());
        break;
    default: { // a field after a structure's signature
        const char* signatures[] = {"OHDR", "OCHK", "FRHP", "FHDB", "FHIB",   "BTHD",
                                    "BTLF", "BTIN", "FAHD", "FADB", "\x89HDF"};
        std::vector<std::size_t> places;
        for (const auto* signature : signatures)
            for (auto at = bytes.find(signature, userBlockBytes); at != std::string::npos;
                 at = bytes.find(signature, at + 1))
                places.push_back(at);
        const auto place =
            places[random.bounded(static_cast<quint32>(places.size()))] + 4 + random.bounded(60u);
        for (std::size_t i = 0; i < 1 + random.bounded(8u) && place + i < bytes.size(); ++i)
            bytes[place + i] = static_cast<char>(random.bounded(2) ? 0xff : random.bounded(256));
        break;
    }
    }
    return bytes;
}

} // namespace azimuth
