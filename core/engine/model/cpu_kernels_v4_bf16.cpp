#define AZIMUTH_LEVEL level_v4_bf16
#include "core/engine/model/cpu_kernels_body.h"
