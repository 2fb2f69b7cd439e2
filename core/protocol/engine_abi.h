// The boundary of libazimuth-engine.so: JSON in, events out. No exception and no C++ type crosses it. The worker dlopens the
// library after it has taken stdout away from other libraries.
//
// Threads: submit returns at once and the job runs on the engine's own thread, one at a time; on_event is called from that thread
// (and from submit for accepted/failed), at most 20 times a second for progress and partials; cancel may be called from any thread.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define AZIMUTH_ENGINE_ABI 1

typedef struct azimuth_engine azimuth_engine;

typedef struct azimuth_engine_callbacks {
    void* context;
    void (*on_event)(void* context, const char* json_line, size_t size); // one event as PROTOCOL.md, no line break
} azimuth_engine_callbacks;

// Functions exported by the library, by these names:
//   int32_t azimuth_engine_abi(void)                                  -> AZIMUTH_ENGINE_ABI
//   const char* azimuth_engine_description(void)                      -> {"torch": "2.11.0", "devices": ["cpu", ...]}; static storage
//   azimuth_engine* azimuth_engine_open(azimuth_engine_callbacks)     -> null if out of memory
//   void azimuth_engine_submit(azimuth_engine*, const char* submission_json, size_t size)
//   void azimuth_engine_cancel(azimuth_engine*, uint64_t run)
//   void azimuth_engine_wait(azimuth_engine*)                         -> returns when no job is under way
//   void azimuth_engine_close(azimuth_engine*)                        -> cancels, joins, frees
typedef int32_t (*azimuth_engine_abi_function)(void);
typedef const char* (*azimuth_engine_description_function)(void);
typedef azimuth_engine* (*azimuth_engine_open_function)(azimuth_engine_callbacks);
typedef void (*azimuth_engine_submit_function)(azimuth_engine*, const char*, size_t);
typedef void (*azimuth_engine_cancel_function)(azimuth_engine*, uint64_t);
typedef void (*azimuth_engine_wait_function)(azimuth_engine*);
typedef void (*azimuth_engine_close_function)(azimuth_engine*);

#ifdef __cplusplus
}
#endif
