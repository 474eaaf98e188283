#include "cli/top/terminal.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <string_view>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <fmt/format.h>

namespace hilo {
namespace {

constexpr std::string_view enter = "\x1b[?1049h\x1b[?25l";  // The other screen, without a cursor.
constexpr std::string_view leave = "\x1b[?25h\x1b[?1049l";
constexpr std::string_view home = "\x1b[H";
constexpr std::string_view clear_to_end_of_line = "\x1b[K";
constexpr std::string_view clear_below = "\x1b[J";

constexpr char ctrl_c = 3;
constexpr char ctrl_d = 4;

sigset_t watched_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH}) ::sigaddset(&set, signal);
  return set;
}

void print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // The terminal has gone; the next wait() tells.
    text.remove_prefix(static_cast<size_t>(written));
  }
}

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

bool locale_is_utf8() {
  std::string locale;
  for (const char* const name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (locale.empty()) locale = environment(name);
  std::ranges::transform(locale, locale.begin(),
                         [](unsigned char letter) { return std::toupper(letter); });
  return locale.find("UTF-8") != locale.npos || locale.find("UTF8") != locale.npos;
}

bool wants_colour() {
  return environment("NO_COLOR").empty() && environment("TERM") != "dumb" &&
         ::isatty(STDOUT_FILENO) != 0;
}

std::string painted(const ScreenLine& line, bool colour) {
  if (!colour || line.emphasis == Emphasis::none) return line.text;
  constexpr std::array<std::string_view, 5> codes{"0", "1", "32", "36", "2"};
  return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<size_t>(line.emphasis)], line.text);
}

Result<std::unique_ptr<Terminal>> Terminal::open() {
  termios before{};
  if (::isatty(STDOUT_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &before) != 0)
    return Error{"hilo top draws on a terminal; use --once to print its table elsewhere."};
  const sigset_t watched = watched_signals();
  ::pthread_sigmask(SIG_BLOCK, &watched, nullptr);
  UniqueFd signals{::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!signals.valid())
    return Error{fmt::format("Signals cannot be received: {}.", std::strerror(errno))};
  return std::unique_ptr<Terminal>{new Terminal{std::move(signals), before}};
}

Terminal::Terminal(UniqueFd signals, const termios& before)
    : signals_(std::move(signals)),
      before_(before),
      unicode_(locale_is_utf8()),
      colour_(wants_colour()) {
  termios keys = before_;
  // Keys come one by one, unseen. Ctrl-Z would stop us with the terminal in this state.
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &keys);
  print(enter);
}

Terminal::~Terminal() {
  print(leave);
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
}

ScreenShape Terminal::shape() const {
  winsize size{};
  ScreenShape shape{.unicode = unicode_};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    shape.columns = size.ws_col;
    shape.rows = size.ws_row;
  }
  return shape;
}

void Terminal::show(const std::vector<ScreenLine>& lines) const {
  std::string frame{home};
  for (size_t i = 0; i < lines.size(); ++i) {
    frame.append(painted(lines[i], colour_)).append(clear_to_end_of_line);
    if (i + 1 < lines.size()) frame += "\r\n";  // One after the last would scroll.
  }
  frame.append(clear_below);
  print(frame);
}

Terminal::Event Terminal::wait(Instant until) const {
  while (true) {
    const Nanoseconds left = until - monotonic_now();
    if (left <= 0) return Event::timeout;
    std::array<pollfd, 2> news{{{STDIN_FILENO, POLLIN, 0}, {signals_.get(), POLLIN, 0}}};
    ::poll(news.data(), news.size(), static_cast<int>(left / millisecond_ns + 1));
    signalfd_siginfo info{};
    if (::read(signals_.get(), &info, sizeof(info)) == sizeof(info))
      return info.ssi_signo == SIGWINCH ? Event::resized : Event::quit;
    if (news[0].revents == 0) continue;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) <= 0) return Event::quit;  // The terminal has gone.
    if (key == 'q' || key == 'Q' || key == ctrl_c || key == ctrl_d) return Event::quit;
  }
}

}  // namespace hilo
