// Texts of a wanted length, for models with a BERT vocabulary, and real ones.
#pragma once

#include <array>
#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace hilo {

// Words that are one token each; with the two special tokens a text has `tokens` in all.
inline std::string text_of_tokens(uint32_t tokens, std::mt19937& random) {
  constexpr std::array words{"the",   "photo", "command", "line", "search", "music", "game",
                             "river", "house", "network", "file", "tool",   "light", "water",
                             "story", "data",  "small",   "fast", "window", "server"};
  std::string text;
  for (uint32_t i = 2; i < tokens; ++i) text += std::string(words[random() % words.size()]) + ' ';
  return text;
}

// A natural mix: descriptions of software, one to four joined, so that lengths vary as they do in
// a real index.
inline std::vector<std::string> natural_texts(const std::string& path, std::mt19937& random) {
  std::vector<std::string> lines;
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  std::vector<std::string> texts;
  for (size_t i = 0; i < 1000 && !lines.empty(); ++i) {
    std::string text;
    for (size_t parts = 1 + random() % 4; parts > 0; --parts)
      text += lines[random() % lines.size()] + ". ";
    texts.push_back(text);
  }
  return texts;
}

}  // namespace hilo
