// Job specifications as text, written by hand after PROTOCOL.md. (A file of its own: moc does not follow raw strings.)
#pragma once

#include <string>
#include <vector>

extern const std::string hexA, hexB, hexC; // 64 times the digit

std::string jobText(const std::string& kind, const std::string& payload);
std::string generatePayload();
std::string scorePayload(); // three prompts, two arms, two rows
std::vector<std::string> jobTexts(); // one of every kind, in the order of JobSpec's variant
