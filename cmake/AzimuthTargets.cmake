# azimuth_module(<folder> SOURCES <files> [USES <folders>] [LIBRARIES <third-party targets>] [PRIVATE_LIBRARIES ...])
#   One static library for one folder, named after it: core/base -> azimuth_core_base. USES names other folders of the
#   design's table; the layering test reads these lines.
# azimuth_test(<name> SOURCES <files> [USES <folders>] [LIBRARIES ...] [LABELS <labels>] [TIMEOUT s] [ENVIRONMENT ...])
#   A QtTest program bin/tests/<name>, run with the offscreen platform. LABELS are unit, engine, project, gui, e2e,
#   peers, long.
include(CMakeParseArguments)

function(azimuth_target_name out folder)
  string(REPLACE "/" "_" flat "${folder}")
  set(${out} "azimuth_${flat}" PARENT_SCOPE)
endfunction()

function(azimuth_use target)
  foreach(folder IN LISTS ARGN)
    azimuth_target_name(name "${folder}")
    target_link_libraries(${target} PUBLIC ${name})
  endforeach()
endfunction()

function(azimuth_module folder)
  cmake_parse_arguments(arg "" "" "SOURCES;USES;LIBRARIES;PRIVATE_LIBRARIES" ${ARGN})
  azimuth_target_name(name "${folder}")
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC "${CMAKE_SOURCE_DIR}")
  azimuth_use(${name} ${arg_USES})
  target_link_libraries(${name} PUBLIC ${arg_LIBRARIES} PRIVATE ${arg_PRIVATE_LIBRARIES})
endfunction()

function(azimuth_qt target)
  set_target_properties(${target} PROPERTIES AUTOMOC ON)
  target_compile_definitions(${target} PRIVATE QT_NO_KEYWORDS QT_NO_CAST_FROM_ASCII QT_NO_CAST_TO_ASCII
                             QT_NO_FOREACH QT_DISABLE_DEPRECATED_BEFORE=0x060400)
endfunction()

function(azimuth_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;USES;LIBRARIES;LABELS;ENVIRONMENT" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  azimuth_qt(${name})
  target_compile_definitions(${name} PRIVATE AZIMUTH_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
                             AZIMUTH_BINARY_DIR="${CMAKE_BINARY_DIR}" AZIMUTH_CACHE_DIR="${AZIMUTH_CACHE_DIR}")
  target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin/tests")
  azimuth_use(${name} ${arg_USES})
  target_link_libraries(${name} PRIVATE Qt6::Test ${arg_LIBRARIES})
  add_test(NAME ${name} COMMAND ${name})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT}
      ENVIRONMENT
      "QT_QPA_PLATFORM=offscreen;LC_ALL=C.UTF-8;XDG_STATE_HOME=${CMAKE_BINARY_DIR}/state;${arg_ENVIRONMENT}")
endfunction()
