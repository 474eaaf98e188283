// What every Prometheus client tells of its process, under the names that all of them use.
#include <filesystem>
#include <fstream>
#include <sys/resource.h>
#include <unistd.h>

#include "http/metrics_page.h"

namespace hilo::http {
namespace {

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime);
}

double resident_bytes() {
  double pages = 0;
  std::ifstream{"/proc/self/statm"} >> pages >> pages;
  return pages * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

double open_descriptors() {
  std::error_code unreadable;
  const std::filesystem::directory_iterator entries{"/proc/self/fd", unreadable};
  return static_cast<double>(std::distance(begin(entries), end(entries)));
}

double descriptors_max() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

void add_process_metrics(MetricFamilies& families, std::time_t started) {
  const auto gauge = [&families](const char* name, const char* help, double value) {
    MetricFamily::gauge(name, help).add({}, value).end(families);
  };
  MetricFamily::counter("process_cpu_seconds_total", "Processor time of this server.")
      .add({}, cpu_seconds())
      .end(families);
  gauge("process_resident_memory_bytes", "What this server has of the machine's memory.",
        resident_bytes());
  gauge("process_open_fds", "Open descriptors.", open_descriptors());
  gauge("process_max_fds", "The most descriptors that may be open.", descriptors_max());
  gauge("process_start_time_seconds", "When this server began, in seconds since 1970.",
        static_cast<double>(started));
}

}  // namespace hilo::http
