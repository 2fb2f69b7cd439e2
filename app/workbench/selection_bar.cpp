#include "app/workbench/selection_bar.h"

#include "app/workbench/arms.h"
#include "app/workbench/page.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/words.h"

#include <QLabel>
#include <QMenu>
#include <QPainter>
#include <QStyleOptionToolButton>

namespace azimuth {

SelectionField::SelectionField(QString caption, QWidget* parent)
    : QToolButton(parent), m_caption(std::move(caption)) {
    setPopupMode(QToolButton::InstantPopup);
    setFocusPolicy(Qt::TabFocus);
    setMenu(new QMenu(this));
    setValue(tr("none"));
}

void SelectionField::setValue(const QString& value) {
    m_value = value;
    setAccessibleName(tr("%1: %2").arg(m_caption, value));
    setToolTip(accessibleName());
    updateGeometry();
    update();
}

void SelectionField::setUsed(bool used) {
    m_used = used;
    update();
}

void SelectionField::setChoices(const QStringList& texts, const QStringList& ids, const QString& current) {
    menu()->clear();
    for (qsizetype i = 0; i < texts.size(); ++i) {
        auto* action = menu()->addAction(texts[i]);
        action->setCheckable(true);
        action->setChecked(ids[i] == current);
        const QString id = ids[i];
        connect(action, &QAction::triggered, this, [this, id] { Q_EMIT chosen(id); });
    }
    setEnabled(!texts.isEmpty());
}

QSize SelectionField::sizeHint() const {
    const int caption = QFontMetrics(m_tokens.sans(11)).horizontalAdvance(m_caption);
    const int value =
        std::min(QFontMetrics(m_tokens.sans(13, QFont::Medium)).horizontalAdvance(m_value), m_tokens.px(200));
    return {caption + value + 6 + 8 + 12 + 14, m_tokens.px(28)};
}

void SelectionField::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    updateGeometry();
    update();
}

void SelectionField::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    if (isEnabled() && (underMouse() || isDown())) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(isDown() ? m_tokens.pressed : m_tokens.hover);
        painter.drawRoundedRect(rect(), 4, 4);
    }
    int x = 7;
    painter.setFont(m_tokens.sans(11));
    painter.setPen(m_tokens.placeholder);
    const int captionWidth = painter.fontMetrics().horizontalAdvance(m_caption);
    painter.drawText(QRect(x, 0, captionWidth + 2, height()), Qt::AlignVCenter, m_caption);
    x += captionWidth + 6;
    painter.setFont(m_tokens.sans(13, QFont::Medium));
    painter.setPen(m_used && isEnabled() ? m_tokens.text : m_tokens.placeholder);
    const int room = width() - x - 22;
    painter.drawText(QRect(x, 0, room + 2, height()), Qt::AlignVCenter,
                     painter.fontMetrics().elidedText(m_value, Qt::ElideRight, room + 2));
    painter.setPen(QPen(m_tokens.secondary, 1.4));
    const double cx = width() - 13, cy = height() / 2.0 - 1;
    painter.drawPolyline(QPolygonF({{cx - 3.5, cy - 1}, {cx, cy + 2.5}, {cx + 3.5, cy - 1}}));
}

SelectionBar::SelectionBar(SelectionModel* selection, QWidget* parent)
    : QToolBar(parent), m_selection(selection) {
    setObjectName(QStringLiteral("selectionBar"));
    setWindowTitle(tr("Selection"));
    setAccessibleName(tr("Selection"));
    setMovable(false);
    setIconSize(QSize(16, 16));
    setContextMenuPolicy(Qt::PreventContextMenu);
    m_back = addAction(Theme::icon(QStringLiteral("back")), tr("Back (Alt+Left)"));
    m_forward = addAction(Theme::icon(QStringLiteral("forward")), tr("Forward (Alt+Right)"));
    connect(m_back, &QAction::triggered, m_selection, &SelectionModel::back);
    connect(m_forward, &QAction::triggered, m_selection, &SelectionModel::forward);
    auto* crosshair = new QLabel(this);
    const auto drawIcon = [this, crosshair] {
        crosshair->setPixmap(Theme::icon(QStringLiteral("crosshair"), IconTone::here).pixmap(16, 16));
        crosshair->setFixedHeight(Theme::instance()->px(28));
        setFixedHeight(Theme::instance()->px(40));
    };
    connect(Theme::instance(), &Theme::changed, crosshair, drawIcon);
    drawIcon();
    crosshair->setContentsMargins(10, 0, 6, 0);
    crosshair->setAlignment(Qt::AlignCenter);
    crosshair->setToolTip(tr("Where you are: every view follows these fields"));
    addWidget(crosshair);
    const std::pair<const char*, QString> names[] = {
        {"model", tr("Model")},       {"concept", tr("Concept")}, {"method", tr("Method")}, {"k", tr("k")},
        {"position", tr("Position")}, {"prompt", tr("Prompt")},   {"arm", tr("Arm")}};
    for (const auto& [name, caption] : names) {
        const QString id = QString::fromLatin1(name);
        auto* field = new SelectionField(caption, this);
        field->setObjectName(QStringLiteral("field-") + id);
        m_fieldActions.push_back(addWidget(field));
        m_fields[id] = field;
        connect(field, &SelectionField::chosen, this,
                [this, id](const QString& value) { choose(id, value); });
    }
    auto* nothing = new QLabel(tr("No study is open. Open one to select models, concepts and sites."), this);
    nothing->setProperty("role", QStringLiteral("secondary"));
    nothing->setContentsMargins(4, 0, 0, 0);
    m_nothing = addWidget(nothing);
    connect(m_selection, &SelectionModel::changed, this, &SelectionBar::refresh);
    refresh();
}

SelectionField* SelectionBar::field(const QString& name) const { return m_fields.at(name); }

void SelectionBar::setContext(std::shared_ptr<const ProjectView> view, const Page* page) {
    m_view = std::move(view);
    m_page = page;
    refresh();
}

void SelectionBar::choose(const QString& name, const QString& id) {
    Selection next = m_selection->current();
    if (name == QLatin1String("model"))
        next.model = id;
    else if (name == QLatin1String("concept"))
        next.concept_ = id;
    else if (name == QLatin1String("method"))
        next.method = id;
    else if (name == QLatin1String("k"))
        next.k = id.toLongLong();
    else if (name == QLatin1String("position"))
        next.position = id.toInt();
    else if (name == QLatin1String("prompt"))
        next.promptId = id;
    else if (name == QLatin1String("arm"))
        next.armDigest = id;
    m_selection->set(next);
}

void SelectionBar::fillArms(SelectionField* field) const {
    const auto& selection = m_selection->current();
    const auto* model = m_view->model(selection.model.toStdString());
    QStringList texts, ids;
    QString current = tr("none");
    const auto arms = armIndex(m_view);
    for (const auto& [digest, arm] : arms->measuredOn(model ? model->identity : std::string())) {
        texts << words::armText(*arm);
        ids << QString::fromStdString(digest);
        if (ids.back() == selection.armDigest)
            current = texts.back();
    }
    field->setValue(current);
    field->setChoices(texts, ids, selection.armDigest);
}

void SelectionBar::refresh() {
    m_back->setEnabled(m_selection->canGoBack());
    m_forward->setEnabled(m_selection->canGoForward());
    m_nothing->setVisible(!m_view);
    for (auto* action : m_fieldActions)
        action->setVisible(m_view != nullptr);
    const auto& selection = m_selection->current();
    for (const auto& [name, field] : m_fields) {
        field->setUsed(m_page && m_page->usesField(name));
        if (!m_view) {
            field->setValue(tr("none"));
            field->setChoices({}, {}, {});
        }
    }
    if (!m_view)
        return;
    QStringList models, concepts, methods, ks, kIds, positions, positionIds, prompts, promptIds;
    for (const auto& reference : m_view->study->models)
        models << QString::fromStdString(reference.name);
    for (const auto& value : m_view->study->concepts)
        concepts << QString::fromStdString(value.name);
    for (const auto method : m_view->study->methods)
        methods << QString::fromStdString(toString(method)).toUpper();
    const auto orNone = [](const QString& text) { return text.isEmpty() ? tr("none") : text; };
    field(QStringLiteral("model"))->setValue(orNone(selection.model));
    field(QStringLiteral("model"))->setChoices(models, models, selection.model);
    field(QStringLiteral("concept"))->setValue(orNone(selection.concept_));
    field(QStringLiteral("concept"))->setChoices(concepts, concepts, selection.concept_);
    field(QStringLiteral("method"))->setValue(methods.value(0, tr("none")));
    field(QStringLiteral("method"))->setChoices(methods, methods, methods.value(0));
    const auto* model = m_view->model(selection.model.toStdString());
    const auto* bank = model ? m_view->bank(model->identity, selection.concept_.toStdString(),
                                            m_view->study->methods.front())
                             : nullptr;
    const std::int64_t blocks = model ? model->blocks : 0;
    for (std::int64_t k = 0; bank && k < bank->ks; ++k) {
        ks << words::kText(k, blocks);
        kIds << QString::number(k);
    }
    field(QStringLiteral("k"))->setValue(selection.k >= 0 ? words::kText(selection.k, blocks) : tr("none"));
    field(QStringLiteral("k"))->setChoices(ks, kIds, QString::number(selection.k));
    for (std::size_t i = 0; bank && i < bank->positions.size(); ++i) {
        positions << words::positionText(*bank, i);
        positionIds << QString::number(bank->positions[i]);
    }
    field(QStringLiteral("position"))
        ->setValue(selection.position == -1
                       ? tr("last")
                       : QLocale::c().toString(selection.position).replace(QLatin1Char('-'), QChar(0x2212)));
    field(QStringLiteral("position"))
        ->setChoices(positions, positionIds, QString::number(selection.position));
    const auto* value = m_view->study->concept_(selection.concept_.toStdString());
    QString promptValue = tr("none");
    if (const auto* set = value ? value->set(PromptRole::TestInduce) : nullptr)
        for (std::size_t i = 0; i < set->prompts.size(); ++i) {
            prompts << QStringLiteral("%1  %2").arg(i + 1).arg(QString::fromStdString(set->prompts[i].text));
            promptIds << QString::fromStdString(set->prompts[i].id);
            if (promptIds.back() == selection.promptId)
                promptValue = tr("%1 of %2").arg(i + 1).arg(set->prompts.size());
        }
    if (const auto* set = value ? value->set(PromptRole::Calibration) : nullptr)
        for (std::size_t i = 0; i < set->prompts.size(); ++i)
            if (QString::fromStdString(set->prompts[i].id) == selection.promptId)
                promptValue = tr("%1 of %2, calibration").arg(i + 1).arg(set->prompts.size());
    field(QStringLiteral("prompt"))->setValue(promptValue);
    field(QStringLiteral("prompt"))->setChoices(prompts, promptIds, selection.promptId);
    fillArms(field(QStringLiteral("arm")));
}

} // namespace azimuth
