#define AZIMUTH_LEVEL level_v4
#include "core/engine/model/cpu_kernels_body.h"
