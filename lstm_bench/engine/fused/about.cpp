// Which compiler made this library: part of what decides its last bits, and stored with a run.
#ifdef __clang__
extern "C" const char* made_by() { return __VERSION__; }
#else
extern "C" const char* made_by() { return "GCC " __VERSION__; }
#endif
