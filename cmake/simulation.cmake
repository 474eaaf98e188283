# The simulation of tests/simulation, and mutants of it: the same with a rule taken out of one
# source file of the engine, which must make it find the property broken that the rule is for.
file(GLOB simulation_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/simulation/*.cpp)
add_library(simulation_parts OBJECT ${simulation_sources})
target_link_libraries(simulation_parts PRIVATE hilo_engine ${HILO_THIRD_PARTY})
add_executable(simulation $<TARGET_OBJECTS:simulation_parts>)
target_link_libraries(simulation PRIVATE hilo_engine)
add_test(NAME simulation.keeps_every_property COMMAND simulation 200)
set_tests_properties(simulation.keeps_every_property PROPERTIES LABELS simulation TIMEOUT 120)

# ARGN: the seed to begin with, where it takes a rare coincidence.
# The mutated file is linked before the library that has the true one, so it takes its place.
function(simulation_mutant name source breaks from to)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/${source})
  file(READ ${CMAKE_SOURCE_DIR}/${source} text)
  string(FIND "${text}" "${from}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "The mutant ${name} replaces `${from}`, which ${source} has no more.")
  endif()
  string(REPLACE "${from}" "${to}" text "${text}")
  set(mutated ${CMAKE_BINARY_DIR}/mutants/${name}.cpp)
  file(CONFIGURE OUTPUT ${mutated} CONTENT "${text}" @ONLY)
  add_executable(mutant_${name} ${mutated} $<TARGET_OBJECTS:simulation_parts>)
  target_link_libraries(mutant_${name} PRIVATE hilo_engine ${HILO_THIRD_PARTY})
  target_compile_options(mutant_${name} PRIVATE -w)
  add_test(NAME simulation.without_${name} COMMAND mutant_${name} 1000 ${ARGN})
  set_tests_properties(simulation.without_${name} PROPERTIES LABELS simulation TIMEOUT 60
    PASS_REGULAR_EXPRESSION "${breaks}")
endfunction()

if(CMAKE_BUILD_TYPE STREQUAL Debug AND NOT HILO_SANITIZE)
  simulation_mutant(lane_purity src/engine/dispatch.cpp "violates P1"
    "take_plan(lane, queues_[lane_index(lane)]" "take_plan(lane, queues_[0]")
  simulation_mutant(order_within_a_client src/scheduler/fair_queue.cpp "violates P1"
    "places_[before].task.deadline > deadline" "false")
  simulation_mutant(low_share src/engine/dispatch.cpp "violates P2"
    "low_turns_.high_computed(took)" "static_cast<void>(took)")
  simulation_mutant(plans_for_low_before_its_turn src/engine/dispatch.cpp "violates P2"
    "finished_already |= hand_out(Lane::low);\n    leave_cores_to_low"
    "leave_cores_to_low" 1600)
  simulation_mutant(end_of_lows_turn src/scheduler/low_turns.cpp "violates P[35]"
    "if (turn.until <= now) end(turn, now);" "static_cast<void>(turn);")
  simulation_mutant(forgetting_what_nobody_waits_for src/engine/dispatch.cpp "violates P3"
    "low_turns_.nothing_waits(now)" "static_cast<void>(now)")
  simulation_mutant(low_work_on_free_cores src/engine/dispatch.cpp "violates P4"
    "finished_already |= hand_out(Lane::low);\n  if" "if")
  simulation_mutant(expiry src/engine/engine_core.cpp "violates P5"
    "drop_expired(now);" "static_cast<void>(now);")
  simulation_mutant(expiry_in_mailboxes src/engine/dispatch.cpp "violates P5"
    "if (worker->next_deadline() > now) continue;" "if (now < never) continue;")
  simulation_mutant(credits src/channel/session.cpp "broke a rule"
    "return slots_free_ > 0 &&" "return true ||")
  simulation_mutant(answer_where_no_room_is src/engine/intake.cpp "violates P4"
    "return refuse(session, entry, retry_for_room);" "return;")
  simulation_mutant(fairness src/scheduler/fair_queue.cpp "violates P6"
    "flows_[client].served < flows_[chosen].served" "false")
  simulation_mutant(no_credit_for_absence src/scheduler/fair_queue.cpp "violates P6"
    "flow.served = std::max(flow.served, turn_);" "")
  simulation_mutant(limits_of_lanes src/scheduler/admission.cpp "violates P7"
    "if (excess <= 0)" "if (excess < INT64_MAX)")
endif()
