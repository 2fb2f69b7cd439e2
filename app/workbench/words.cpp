#include "app/workbench/words.h"

#include "core/base/error.h"
#include "core/results/sweep.h"
#include "widgets/numbers.h"

#include <QDateTime>
#include <QLocale>
#include <QObject>

namespace azimuth::words {

QString countText(qsizetype n, const QString& one, const QString& many) {
    return QStringLiteral("%1 %2").arg(n).arg(n == 1 ? one : many);
}

QString kText(std::int64_t k, std::int64_t blocks) {
    if (blocks <= 0)
        return QString::number(k);
    return QStringLiteral("%1 (%2)").arg(k).arg(
        formatPercent(static_cast<double>(k) / static_cast<double>(blocks)));
}

QString siteText(std::int64_t k) { return QStringLiteral("R[%1]").arg(k); }

QString positionText(const DirectionBank& bank, std::size_t index) {
    const auto offset = bank.positions.at(index);
    QString text = offset == -1 ? QObject::tr("last") : QChar(0x2212) + QString::number(-offset);
    if (index < bank.positionTokens.size() && !bank.positionTokens[index].empty()) {
        QString token = QString::fromStdString(bank.positionTokens[index]);
        token.replace(QLatin1Char('\n'), QStringLiteral("\\n"));
        text += QStringLiteral("  ") + token;
    }
    return text;
}

QString armText(const Arm& arm) {
    if (arm.isControl())
        return QObject::tr("control");
    const auto& edit = arm.interventions.front();
    QString text = QString::fromStdString(toString(edit.operation));
    if (edit.operation != Operation::Ablate)
        text += QLatin1Char(' ') + formatNumber(edit.strength);
    text += QObject::tr(" at ") + siteText(edit.kFrom);
    if (edit.kTo != edit.kFrom)
        text += QObject::tr(" to ") + siteText(edit.kTo);
    static const QString foreign = QStringLiteral("direction of ");
    const QString name = QString::fromStdString(arm.name);
    if (const auto end = name.indexOf(QStringLiteral(" at k ")); name.startsWith(foreign) && end > 0)
        text = QObject::tr("from %1, %2").arg(name.mid(foreign.size(), end - foreign.size()), text);
    return text;
}

QString rateText(const Rate& rate) {
    if (rate.n == 0)
        return QObject::tr("not measured");
    return QObject::tr("%1 (%2 to %3), %4 of %5")
        .arg(formatPercent(rate.value), QString::number(qRound(rate.low * 100)), formatPercent(rate.high))
        .arg(rate.count)
        .arg(rate.n);
}

QString shortDigest(const std::string& digest) {
    const QString text = QString::fromStdString(digest);
    return text.size() < 8 ? text : text.mid(0, 4) + QLatin1Char(' ') + text.mid(4, 4);
}

QString whenText(const std::string& utc) {
    const auto time = QDateTime::fromString(QString::fromStdString(utc), Qt::ISODate);
    if (!time.isValid())
        return QString::fromStdString(utc);
    return QLocale::c().toString(time.toUTC(), QStringLiteral("d MMM, HH:mm")) + QStringLiteral(" UTC");
}

QString strengthText(const SweepPoint& point, StrengthUnit unit) {
    return QString::fromStdString(azimuth::strengthText(point.alpha, point.gridStrength, unit));
}

LabelShape labelOf(Verdict verdict) {
    switch (verdict) {
    case Verdict::Coherent:
        return LabelShape::coherent;
    case Verdict::Garbled:
        return LabelShape::garbled;
    case Verdict::Normal:
        return LabelShape::normal;
    }
    return LabelShape::none;
}

std::optional<Verdict> verdictOf(LabelShape label) {
    for (const auto verdict : {Verdict::Coherent, Verdict::Garbled, Verdict::Normal})
        if (labelOf(verdict) == label)
            return verdict;
    return std::nullopt;
}

} // namespace azimuth::words
