// What the tests of text share: the peers' fixture, the real models' vocabularies and two small ones.
#pragma once

#include "core/base/json.h"
#include "core/engine/text/chat_template.h"
#include "core/engine/text/tokenizer.h"
#include "core/study/tokenizer_source.h"

#include <string>
#include <vector>

namespace azimuth::checks {

const Json& tokenFixtures(); // token_fixtures.json, made by tests/peers/make_token_fixtures.py

// From the cache; Error file.* if the set-up has not fetched them.
const TokenizerSource& smolSource();
const TokenizerSource& gemmaSource();
const Tokenizer& smolTokenizer();
const Tokenizer& gemmaTokenizer();

// 256 bytes and a few merges, pre gpt-2: every text has ids. Specials: <|start|> 0 (bos), <|end|> 1 (eos).
TokenizerSource smallByteSource();
// Bytes, letters and a few pieces with scores; <unk> 0, <s> 1 (bos), </s> 2 (eos).
TokenizerSource smallPieceSource();

std::vector<ChatMessage> messagesOf(const Json& pairs); // [[role, content], ...]
std::vector<std::int32_t> idsOf(const Json& array);
std::string shown(const std::vector<std::int32_t>& ids);

} // namespace azimuth::checks
