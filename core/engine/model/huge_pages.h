// A hint to the system: long-lived memory that is read over and over is quicker in pages of 2 MiB. Changes no
// content and never fails; does nothing where the system does not know it, or for less than one such page.
#pragma once

#include <ATen/core/Tensor.h>

namespace azimuth {

// Before the memory is first written, or after: then its pages are gathered at once. A contiguous tensor on
// the CPU.
void preferHugePages(const at::Tensor& tensor);

} // namespace azimuth
