# Third-party libraries (design: dependencies). Every one is a Debian package but libtorch and the Rust crates.
find_package(PkgConfig REQUIRED)
find_package(Qt6 6.4 REQUIRED COMPONENTS Core Gui Widgets Svg Charts Test)
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
find_package(ZLIB REQUIRED)
find_package(Threads REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(Boost 1.74 REQUIRED)
find_package(spdlog REQUIRED)
find_package(CLI11 REQUIRED)
find_package(HDF5 1.10 REQUIRED COMPONENTS C CXX)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(re2 REQUIRED IMPORTED_TARGET re2)

add_library(azimuth_hdf5 INTERFACE)
target_include_directories(azimuth_hdf5 SYSTEM INTERFACE ${HDF5_INCLUDE_DIRS})
target_link_libraries(azimuth_hdf5 INTERFACE ${HDF5_CXX_LIBRARIES} ${HDF5_LIBRARIES})
add_library(azimuth::hdf5 ALIAS azimuth_hdf5)

# libtorch from the wheel, as hand-made targets: TorchConfig.cmake of a CUDA wheel wants nvcc. One stable symlink, so
# that a change from the CPU subset of wheels to the full set rebuilds nothing.
set(AZIMUTH_TORCH_DIR "${AZIMUTH_CACHE_DIR}/torch" CACHE PATH "The torch package folder (include/, lib/)")
if(AZIMUTH_ENGINE AND EXISTS "${AZIMUTH_TORCH_DIR}/lib/libtorch_cpu.so")
  add_library(azimuth_torch INTERFACE)
  target_include_directories(azimuth_torch SYSTEM INTERFACE
      "${AZIMUTH_TORCH_DIR}/include" "${AZIMUTH_TORCH_DIR}/include/torch/csrc/api/include")
  target_compile_definitions(azimuth_torch INTERFACE _GLIBCXX_USE_CXX11_ABI=1)
  # RPATH, not RUNPATH: the wheel's own libraries find each other through theirs, ours through this one.
  target_link_options(azimuth_torch INTERFACE
      "LINKER:--disable-new-dtags,-rpath,${AZIMUTH_TORCH_DIR}/lib,--allow-shlib-undefined")
  target_link_libraries(azimuth_torch INTERFACE
      "${AZIMUTH_TORCH_DIR}/lib/libc10.so" "${AZIMUTH_TORCH_DIR}/lib/libtorch_cpu.so"
      "${AZIMUTH_TORCH_DIR}/lib/libgomp.so.1") # torch's own: core/engine/model/parallel.h
  add_library(azimuth::torch ALIAS azimuth_torch)
  set(AZIMUTH_HAS_ENGINE ON)
else()
  set(AZIMUTH_HAS_ENGINE OFF)
  if(AZIMUTH_ENGINE)
    message(WARNING "libtorch is not at ${AZIMUTH_TORCH_DIR}; the engine and the worker are left out. "
                    "Run installer/setup.")
  endif()
endif()
