# The simulation of tests/simulation, and mutants of it: the same with a rule taken out of one
# source file of the engine, which must make it find the property broken that the rule is for.
file(GLOB simulation_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/simulation/*.cpp)
add_library(simulation_parts OBJECT ${simulation_sources})
target_link_libraries(simulation_parts PRIVATE hilo_engine ${HILO_THIRD_PARTY})
add_executable(simulation $<TARGET_OBJECTS:simulation_parts>)
add_dependencies(tests simulation)
target_link_libraries(simulation PRIVATE hilo_engine)
add_test(NAME simulation.keeps_every_property COMMAND simulation 200)
set_tests_properties(simulation.keeps_every_property PROPERTIES LABELS simulation TIMEOUT 120)

add_test(NAME simulation.keeps_every_property_with_a_device COMMAND simulation 200 1 device)
set_tests_properties(simulation.keeps_every_property_with_a_device PROPERTIES
  LABELS simulation TIMEOUT 120)

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
  add_dependencies(tests mutant_${name})
  target_link_libraries(mutant_${name} PRIVATE hilo_engine ${HILO_THIRD_PARTY})
  target_compile_options(mutant_${name} PRIVATE -w -O1)
  add_test(NAME simulation.without_${name} COMMAND mutant_${name} 1000 ${ARGN})
  set_tests_properties(simulation.without_${name} PROPERTIES LABELS simulation TIMEOUT 60
    PASS_REGULAR_EXPRESSION "${breaks}")
endfunction()

if(CMAKE_BUILD_TYPE STREQUAL Release)
  simulation_mutant(lane_purity src/engine/dispatch.cpp "violates P1"
    "take_plan(lane, queues," "take_plan(lane, queues_[0],")
  simulation_mutant(size_of_plans src/scheduler/plan.cpp "violates P1"
    "if (together.total > budget) return false;" "")
  simulation_mutant(turns_of_kinds_of_work src/scheduler/plan.cpp "violates P2"
    "queues.encode_next = !encode" "queues.encode_next = false")
  simulation_mutant(order_within_a_client src/scheduler/fair_queue.cpp "violates P1"
    "places_[before].task.deadline > deadline" "false")
  simulation_mutant(low_share src/engine/dispatch.cpp "violates P2"
    "low_turns_.high_computed(took)" "static_cast<void>(took)")
  simulation_mutant(plans_for_low_before_its_turn src/engine/dispatch.cpp "violates P2"
    "finished_already |= hand_out(Lane::low);\n    leave_cores_to_low"
    "leave_cores_to_low" 1600)
  simulation_mutant(end_of_lows_turn src/scheduler/low_turns.cpp "violates P3"
    "share_.low_computed(passed * on_);" "")
  simulation_mutant(whole_turns src/engine/dispatch.cpp "violates P2"
    "if (!find_low_work(core)) low_turns_.end(core)"
    "if (!worker(Lane::low, core).has_begun()) low_turns_.end(core)")
  simulation_mutant(low_work_that_moves src/engine/dispatch.cpp "violates P4"
    "worker(Lane::low, other).give_up_plan()" "Plan{}")
  simulation_mutant(forgetting_what_nobody_waits_for src/engine/dispatch.cpp "violates P3"
    "low_turns_.nothing_waits()" "static_cast<void>(0)")
  simulation_mutant(low_work_on_free_cores src/engine/dispatch.cpp "violates P4"
    "finished_already |= hand_out(Lane::low);\n  for" "for")
  simulation_mutant(device_that_knows_of_high src/engine/dispatch.cpp "violates P8"
    "options_.device->expect_high(open > 0);" "static_cast<void>(0);" 1 device)
  simulation_mutant(full_batches_ahead_of_a_device src/engine/dispatch.cpp "violates P8"
    "if (busy && queues" "if (false && queues" 1 device)
  simulation_mutant(batch_for_an_idle_device src/engine/dispatch.cpp "violates P4"
    "if (busy && queues" "if (queues" 1 device)
  simulation_mutant(expiry src/engine/engine_core.cpp "violates P5"
    "drop_expired(now);" "static_cast<void>(now);")
  simulation_mutant(expiry_in_mailboxes src/engine/dispatch.cpp "violates P5"
    "if (worker->next_deadline() > now) continue;" "if (now < never) continue;")
  simulation_mutant(cancelling_in_mailboxes src/engine/dispatch.cpp "violates P5"
    "return tasks_[id].worker->withdraw(stays, taken) > 0" "return false")
  simulation_mutant(credits src/channel/session.cpp "broke a rule"
    "return slots_free_ >= slots &&" "return true ||")
  simulation_mutant(answer_where_no_room_is src/engine/intake.cpp "violates P4"
    "return refuse(session, entry, retry_for_room);" "return;")
  simulation_mutant(fairness src/scheduler/fair_queue.cpp "violates P6"
    "flows_[client].served < flows_[chosen].served" "false")
  simulation_mutant(no_credit_for_absence src/scheduler/fair_queue.cpp "violates P6"
    "flow.served = std::max(flow.served, turn_);" "")
  simulation_mutant(limits_of_lanes src/scheduler/admission.cpp "violates P7"
    "if (excess <= 0)" "if (excess < INT64_MAX)")
  simulation_mutant(room_for_a_client_alone src/scheduler/admission.cpp "violates P7"
    "if (own == work_[index]) return std::nullopt;" "")
  simulation_mutant(room_for_a_first_text src/scheduler/admission.cpp "violates P7"
    "own == 0 || own + work" "own + work")
endif()
