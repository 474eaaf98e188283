// While a HeapSeal lives, `operator new` on its thread aborts: what runs under it allocates
// nothing. Active in the debug and asan builds; in others it costs nothing and checks nothing.
#pragma once

namespace hilo {

class HeapSeal {
 public:
#ifdef NDEBUG
  static constexpr bool active = false;
#else
  static constexpr bool active = true;
#endif
  HeapSeal();
  ~HeapSeal();
  HeapSeal(const HeapSeal&) = delete;
  HeapSeal& operator=(const HeapSeal&) = delete;
};

}  // namespace hilo
