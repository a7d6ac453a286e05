// Commands typed at the console: a line ends in '\n' or '\r', its first word names the command.
//
// Bounded: a line of more than kLineLength octets is thrown away whole and answered; nothing is echoed.
#pragma once

#include <cstddef>

namespace console {

inline constexpr std::size_t kLineLength = 128;  // octets without the line's end
inline constexpr std::size_t kCommands = 24;     // one more is a panic

// Call `f` with the rest of the line (without blanks in front, ending in a zero) when a line begins with
// `word`. `word` must outlive the machine.
void on_command(const char* word, void (*f)(const char* rest));

// Take what was typed and run complete lines; true when there was something. Takes a bounded amount a call.
bool poll();

}  // namespace console
