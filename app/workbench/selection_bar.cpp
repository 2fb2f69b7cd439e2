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

namespace {
constexpr qsizetype mostChoices = 300; // more than that nobody reads in a menu
QString orNone(const QString& text) { return text.isEmpty() ? SelectionBar::tr("none") : text; }
} // namespace

SelectionField::SelectionField(QString caption, QWidget* parent)
    : QToolButton(parent), m_caption(std::move(caption)) {
    setPopupMode(QToolButton::InstantPopup);
    setFocusPolicy(Qt::TabFocus);
    setMenu(new QMenu(this));
    connect(menu(), &QMenu::aboutToShow, this, &SelectionField::fillMenu);
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

void SelectionField::setChoices(std::function<Choices()> choices) {
    m_choices = std::move(choices);
    setEnabled(m_choices != nullptr);
}

// A menu is made when it opens: with 10,000 prompts, making it at each change of the Selection would be felt.
void SelectionField::fillMenu() {
    menu()->clear();
    if (!m_choices)
        return;
    const Choices choices = m_choices();
    const auto shown = std::min<qsizetype>(choices.texts.size(), mostChoices);
    for (qsizetype i = 0; i < shown; ++i) {
        auto* action = menu()->addAction(choices.texts[i]);
        action->setCheckable(true);
        action->setChecked(choices.ids[i] == choices.current);
        const QString id = choices.ids[i];
        connect(action, &QAction::triggered, this, [this, id] { Q_EMIT chosen(id); });
    }
    if (shown < choices.texts.size())
        menu()->addAction(tr("%1 more, on the page").arg(choices.texts.size() - shown))->setEnabled(false);
    if (choices.texts.isEmpty())
        menu()->addAction(tr("Nothing to choose yet"))->setEnabled(false);
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

void SelectionBar::refresh() {
    m_back->setEnabled(m_selection->canGoBack());
    m_forward->setEnabled(m_selection->canGoForward());
    m_nothing->setVisible(!m_view);
    for (auto* action : m_fieldActions)
        action->setVisible(m_view != nullptr);
    const auto selection = m_selection->current();
    for (const auto& [name, field] : m_fields) {
        field->setUsed(m_page && m_page->usesField(name));
        if (!m_view) {
            field->setValue(tr("none"));
            field->setChoices({});
        }
    }
    if (!m_view)
        return;
    const auto set = [this](const char* name, const QString& value, std::function<Choices()> choices) {
        auto* field = this->field(QString::fromLatin1(name));
        field->setValue(value);
        field->setChoices(std::move(choices));
    };
    const auto view = m_view;
    set("model", orNone(selection.model), [view, selection] {
        Choices choices{{}, {}, selection.model};
        for (const auto& reference : view->study->models)
            choices.add(QString::fromStdString(reference.name), QString::fromStdString(reference.name));
        return choices;
    });
    set("concept", orNone(selection.concept_), [view, selection] {
        Choices choices{{}, {}, selection.concept_};
        for (const auto& value : view->study->concepts)
            choices.add(QString::fromStdString(value.name), QString::fromStdString(value.name));
        return choices;
    });
    set("method", selection.method.isEmpty() ? tr("none") : selection.method.toUpper(), [view, selection] {
        Choices choices{{}, {}, selection.method};
        for (const auto method : view->study->methods)
            choices.add(QString::fromStdString(toString(method)).toUpper(),
                        QString::fromStdString(toString(method)));
        return choices;
    });
    refreshSite();
    refreshPrompt();
    refreshArm();
}

void SelectionBar::refreshSite() {
    const auto view = m_view;
    const auto selection = m_selection->current();
    const auto* model = view->model(selection.model.toStdString());
    const auto* bank =
        model ? view->bank(model->identity, selection.concept_.toStdString(), view->study->methods.front())
              : nullptr;
    const std::int64_t blocks = model ? model->blocks : 0;
    field(QStringLiteral("k"))->setValue(selection.k >= 0 ? words::kText(selection.k, blocks) : tr("none"));
    field(QStringLiteral("k"))->setChoices([view, selection, bank, blocks] {
        Choices choices{{}, {}, QString::number(selection.k)};
        for (std::int64_t k = 0; bank && k < bank->ks; ++k)
            choices.add(words::kText(k, blocks), QString::number(k));
        return choices;
    });
    field(QStringLiteral("position"))
        ->setValue(selection.position == -1
                       ? tr("last")
                       : QLocale::c().toString(selection.position).replace(QLatin1Char('-'), QChar(0x2212)));
    field(QStringLiteral("position"))->setChoices([view, selection, bank] {
        Choices choices{{}, {}, QString::number(selection.position)};
        for (std::size_t i = 0; bank && i < bank->positions.size(); ++i)
            choices.add(words::positionText(*bank, i), QString::number(bank->positions[i]));
        return choices;
    });
}

void SelectionBar::refreshPrompt() {
    const auto view = m_view;
    const auto selection = m_selection->current();
    const auto* value = view->study->concept_(selection.concept_.toStdString());
    const auto wanted = selection.promptId.toStdString();
    QString shown = tr("none");
    for (const auto role : {PromptRole::Calibration, PromptRole::TestInduce})
        if (const auto* set = value && !wanted.empty() ? value->set(role) : nullptr)
            for (std::size_t i = 0; i < set->prompts.size(); ++i)
                if (set->prompts[i].id == wanted)
                    shown = (role == PromptRole::Calibration ? tr("%1 of %2, calibration") : tr("%1 of %2"))
                                .arg(i + 1)
                                .arg(set->prompts.size());
    field(QStringLiteral("prompt"))->setValue(shown);
    field(QStringLiteral("prompt"))->setChoices([view, selection, value] {
        Choices choices{{}, {}, selection.promptId};
        if (const auto* set = value ? value->set(PromptRole::TestInduce) : nullptr)
            for (std::size_t i = 0; i < set->prompts.size() && choices.texts.size() <= mostChoices; ++i)
                choices.add(
                    QStringLiteral("%1  %2").arg(i + 1).arg(QString::fromStdString(set->prompts[i].text)),
                    QString::fromStdString(set->prompts[i].id));
        return choices;
    });
}

void SelectionBar::refreshArm() {
    const auto selection = m_selection->current();
    const auto* model = m_view->model(selection.model.toStdString());
    const auto arms = armIndex(m_view);
    const auto* arm = arms->find(selection.armDigest.toStdString());
    const std::string identity = model ? model->identity : std::string();
    field(QStringLiteral("arm"))->setValue(arm ? words::armText(*arm) : tr("none"));
    field(QStringLiteral("arm"))->setChoices([arms, identity, selection] {
        Choices choices{{}, {}, selection.armDigest};
        for (const auto& [digest, one] : arms->measuredOn(identity))
            choices.add(words::armText(*one), QString::fromStdString(digest));
        return choices;
    });
}

} // namespace azimuth
