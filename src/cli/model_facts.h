// What `hilo info` and `hilo model info` print about models: a line for each fact, its name first.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.h"
#include "model/model.h"
#include "model/prepared_model.h"

namespace hilo {

void print_line(const std::string& name, const std::string& value);

void print_header(const ModelHeader& header);

// The types, number and size of the weights in a model's folder.
Status print_weights(const std::filesystem::path& directory);

// A prepared folder: the model, its graph and its engine, and whether each file is still what the
// manifest says. False in the end if one is not.
Status print_prepared(const PreparedModel& model);
Status print_graph(const PreparedModel& model);
Status print_engine(const PreparedModel& model);

}  // namespace hilo
