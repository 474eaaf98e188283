#include "cli/model_options.h"

namespace hilo {

void add_model_options(const OptionList& options, ModelOptions& model) {
  options
      .text({"--model", "Model directory, as Hugging Face lays it out", "DIR [$HILO_MODEL]"},
            model.directory)
      .from_environment("HILO_MODEL");
  add_backend_options(options, model);
  options.number({"--threads", "Cores to compute on; 0 means all", "N [0]"}, model.threads, 0U,
                 1024U);
}

void add_backend_options(const OptionList& options, ModelOptions& model) {
  options.one_of({"--backend",
                  "What computes: cpu; cuda, a GPU; tensorrt, a GPU with an engine of --prepared; "
                  "auto, a GPU where there is one that the model fits, else the CPU; echo or null "
                  "need no model and test the path of a text",
                  "NAME [cpu]"},
                 model.backend, {"cpu", "cuda", "tensorrt", "auto", "echo", "null"});
  options.text({"--prepared", "What `hilo model prepare` made of the model, for tensorrt", "DIR"},
               model.prepared);
  options.one_of({"--precision",
                  "Numbers that the CPU computes with: fp32 (exact), bf16 (nearly), int8 "
                  "(smallest), or auto: bf16 where it is faster than fp32",
                  "NAME [fp32]"},
                 model.precision, {"fp32", "bf16", "int8", "auto"});
  options.one_of({"--gpu-format", "Numbers that a GPU multiplies: bf16 or fp16", "NAME [bf16]"},
                 model.gpu_format, {"bf16", "fp16"});
  options.number({"--gpu-quantum",
                  "Tokens that a GPU gets at once: HIGH waits for so many of LOW at most, and LOW "
                  "is the slower, the fewer they are",
                  "TOKENS [2048]"},
                 model.gpu_quantum, 64U, 16384U);
}

bool needs_model(const ModelOptions& options) {
  return options.backend != "echo" && options.backend != "null";
}

std::string missing_option(const ModelOptions& options) {
  if (needs_model(options) && options.directory.empty()) return "--model";
  return options.backend == "tensorrt" && options.prepared.empty() ? "--prepared" : "";
}

}  // namespace hilo
