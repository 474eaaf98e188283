#include "backend/tensorrt/host/fake_shim.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "backend/cpu/cpu_backend.h"
#include "backend/tensorrt/engine_layout.h"
#include "base/ensure.h"

// The handles, as the fake has them.
struct TensorRtEngine {
  uint32_t contexts = 0;
};
struct TensorRtContext {
  TensorRtEngine* engine;
  TensorRtShape max;
  void* memory = nullptr;
  std::map<std::string, void*, std::less<>> places{};
  std::map<std::string, TensorRtShape, std::less<>> shapes{};
};

namespace hilo {
namespace {

constexpr std::string_view engine_content = "an engine that is played on the host";
constexpr const char* output_name = "output";
constexpr int refused = 1;

thread_local std::string last_error;

// The numbers of a table on the device, which is memory of the host.
std::vector<int64_t> numbers_at(const void* place, size_t count, TensorRtType type) {
  std::vector<int64_t> numbers(count);
  if (type == tensorrt_int64) {
    std::copy_n(static_cast<const int64_t*>(place), count, numbers.begin());
  } else {
    std::copy_n(static_cast<const int32_t*>(place), count, numbers.begin());
  }
  return numbers;
}

}  // namespace

class FakeShim::State {
 public:
  State(FakeDriver& of, const Model& model, const FakeEngineOptions& about)
      : driver(of),
        options(about),
        header(model.header),
        cpu(*make_cpu_backend(model, Precision::fp32, CpuLevel::scalar)) {
    for (const char* name : {ids_input, mask_input, types_input})
      if ((name != types_input || header.encoder.token_types > 1) && name != options.missing_input)
        inputs.emplace_back(name);
    if (!options.extra_input.empty()) inputs.push_back(options.extra_input);
  }

  int enter(const char* call) {
    if (!opened && complain(fmt::format("{} before open", call)) != 0) return refused;
    return calls++ == failing ? fail("an injected error") : 0;
  }
  static int fail(std::string why) {
    last_error = std::move(why);
    return refused;
  }
  // Also from work on a stream, which runs without the other lock.
  int complain(std::string text) {
    const std::lock_guard lock(complaining);
    complaints.push_back(text);
    return fail(std::move(text));
  }
  bool lives(const TensorRtContext* context) const {
    return std::ranges::any_of(contexts, [&](const auto& owned) { return owned.get() == context; });
  }
  bool lives(const TensorRtEngine* engine) const {
    return std::ranges::any_of(engines, [&](const auto& owned) { return owned.get() == engine; });
  }

  TensorRtTensor tensor(uint32_t index) const {
    const bool is_input = index < inputs.size();
    const std::string name = is_input ? inputs[index] : output_name;
    TensorRtTensor tensor{.name = {},
                          .type = is_input ? options.ids : options.output,
                          .is_input = is_input,
                          .rank = is_input || !header.score ? 2U : 1U,
                          .shape = {-1, is_input ? -1 : int64_t{header.dims()}}};
    std::copy_n(name.c_str(), std::min(name.size(), sizeof(tensor.name) - 1), tensor.name);
    return tensor;
  }

  // ---- Queueing

  int check(const TensorRtContext& context) {
    if (context.memory == nullptr) return complain("queued without memory");
    for (uint32_t index = 0; index <= inputs.size(); ++index) {
      const TensorRtTensor about = tensor(index);
      if (!context.places.contains(about.name))
        return complain(fmt::format("queued without a place for {}", about.name));
      if (about.is_input != 0 && !context.shapes.contains(about.name))
        return complain(fmt::format("queued without the shape of {}", about.name));
    }
    const TensorRtShape& first = context.shapes.begin()->second;
    for (const auto& [name, shape] : context.shapes)
      if (shape.texts != first.texts || shape.tokens != first.tokens)
        return complain("queued with tables of different shapes");
    return 0;
  }

  Work work_of(const TensorRtContext& context) {
    const TensorRtShape shape = context.shapes.begin()->second;
    const uint64_t cells = uint64_t{shape.texts} * shape.tokens;
    const uint64_t number_bytes = options.ids == tensorrt_int64 ? 8 : 4;
    std::vector<Touch> touches;
    touches.reserve(inputs.size() + 2);
    for (const std::string& name : inputs)
      touches.push_back({context.places.at(name), cells * number_bytes, /*writes=*/false});
    touches.push_back({context.memory, options.memory_bytes, /*writes=*/true});
    touches.push_back({context.places.at(output_name),
                       uint64_t{shape.texts} * header.dims() * sizeof(float), /*writes=*/true});
    return {"engine", std::move(touches),
            [this, places = context.places, memory = context.memory, shape] {
              return compute(places, memory, shape);
            }};
  }

  // The texts without their padding, by the CPU.
  int compute(const std::map<std::string, void*, std::less<>>& places, void* memory,
              TensorRtShape shape) {
    const size_t cells = size_t{shape.texts} * shape.tokens;
    // It writes its scratch memory from the first to the last, so whatever shares a place with
    // that, or with its output, is lost.
    std::memset(memory, 0xff, options.memory_bytes);
    std::memset(places.at(output_name), 0xff, size_t{shape.texts} * header.dims() * sizeof(float));
    const auto ids = numbers_at(places.at(ids_input), cells, options.ids);
    const auto mask = numbers_at(places.at(mask_input), cells, options.ids);
    const auto types = places.contains(types_input)
                           ? numbers_at(places.at(types_input), cells, options.ids)
                           : std::vector<int64_t>(cells, 0);
    std::vector<uint32_t> packed, starts{0};
    std::vector<uint8_t> packed_types;
    for (size_t cell = 0; cell < cells; ++cell) {
      if (ids[cell] < 0 || ids[cell] >= header.encoder.vocabulary)
        return complain(fmt::format("the id {} is not in the vocabulary", ids[cell]));
      const bool goes_on = cell % shape.tokens == 0 || mask[cell - 1] == 1;
      if (mask[cell] != 0 && (mask[cell] != 1 || !goes_on)) return complain("a mask has a gap");
      if (mask[cell] == 1) {
        packed.push_back(static_cast<uint32_t>(ids[cell]));
        packed_types.push_back(static_cast<uint8_t>(types[cell]));
      }
      if ((cell + 1) % shape.tokens == 0) starts.push_back(static_cast<uint32_t>(packed.size()));
    }
    const std::vector<uint8_t> raw(shape.texts, 1);
    std::vector<float*> vectors;
    auto* out = static_cast<float*>(places.at(output_name));
    for (uint32_t text = 0; text < shape.texts; ++text, out += header.dims())
      vectors.push_back(out);
    const TokenBatch batch{.ids = packed,
                           .types = header.encoder.token_types > 0 ? std::span{packed_types}
                                                                   : std::span<const uint8_t>{},
                           .sequence_start = starts,
                           .raw = raw};
    const auto workspace = cpu->make_workspace(static_cast<uint32_t>(packed.size()), shape.texts);
    const bool computed = cpu->run(batch, *workspace, YieldGate{}, vectors);
    std::memset(memory, 0xff, options.memory_bytes);
    return computed ? 0 : refused;
  }

  FakeDriver& driver;
  const FakeEngineOptions options;
  const ModelHeader header;
  const std::unique_ptr<Backend> cpu;
  std::vector<std::string> inputs;
  mutable std::mutex mutex;
  mutable std::mutex complaining;
  bool opened = false;
  uint64_t calls = 0;
  uint64_t failing = UINT64_MAX;
  std::vector<std::unique_ptr<TensorRtEngine>> engines;
  std::vector<std::unique_ptr<TensorRtContext>> contexts;
  std::vector<std::string> complaints;
};

namespace {

using State = FakeShim::State;
State* current = nullptr;

template <class Use>
auto locked(Use use) {
  ENSURE(current != nullptr);
  const std::lock_guard lock(current->mutex);
  return use(*current);
}

int open_runtime() {
  return locked([](State& fake) {
    fake.opened = true;
    const int error = fake.enter("open");
    fake.opened = error == 0;
    return error;
  });
}
void close_runtime() {
  locked([](State& fake) {
    if (!fake.engines.empty()) fake.complain("closed before its engines were released");
    fake.opened = false;
  });
}
void error_text(char* text, uint32_t bytes) {
  const size_t count = std::min<size_t>(last_error.size(), bytes - 1);
  std::copy_n(last_error.data(), count, text);
  text[count] = '\0';
}

int load(const void* content, uint64_t bytes, TensorRtEngine** engine) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("load"); error != 0) return error;
    const std::string_view given(static_cast<const char*>(content), bytes);
    if (given != engine_content) return State::fail("the content is of another version");
    fake.engines.push_back(std::make_unique<TensorRtEngine>());
    *engine = fake.engines.back().get();
    return 0;
  });
}
void release(TensorRtEngine* engine) {
  locked([&](State& fake) {
    if (!fake.lives(engine)) {
      fake.complain("an engine is released that does not live");
      return;
    }
    if (engine->contexts > 0) fake.complain("an engine is released before its contexts");
    std::erase_if(fake.engines, [&](const auto& owned) { return owned.get() == engine; });
  });
}

int describe(const TensorRtEngine* engine, TensorRtFacts* facts) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("describe"); error != 0) return error;
    if (!fake.lives(engine)) return fake.complain("describe: no such engine");
    *facts = {.tensors = static_cast<uint32_t>(fake.inputs.size()) + 1,
              .profiles = static_cast<uint32_t>(fake.options.profiles_max.size()),
              .auxiliary_streams = fake.options.auxiliary_streams};
    return 0;
  });
}
int describe_tensor(const TensorRtEngine*, uint32_t index, TensorRtTensor* tensor) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("describe_tensor"); error != 0) return error;
    if (index > fake.inputs.size()) return fake.complain("describe_tensor: no such tensor");
    *tensor = fake.tensor(index);
    return 0;
  });
}
int describe_profile(const TensorRtEngine*, uint32_t index, TensorRtProfile* profile) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("describe_profile"); error != 0) return error;
    if (index >= fake.options.profiles_max.size())
      return fake.complain("describe_profile: no such profile");
    *profile = {.min = {1, 1},
                .max = fake.options.profiles_max[index],
                .memory_bytes = fake.options.memory_bytes};
    return 0;
  });
}

int make_context(TensorRtEngine* engine, uint32_t profile, CudaStream*, TensorRtContext** made) {
  return locked([&](State& fake) {
    if (const int error = fake.enter("make_context"); error != 0) return error;
    if (!fake.lives(engine)) return fake.complain("make_context: no such engine");
    if (profile >= fake.options.profiles_max.size())
      return fake.complain("make_context: no such profile");
    ++engine->contexts;
    fake.contexts.push_back(std::make_unique<TensorRtContext>(
        TensorRtContext{.engine = engine, .max = fake.options.profiles_max[profile]}));
    *made = fake.contexts.back().get();
    return 0;
  });
}
void release_context(TensorRtContext* context) {
  locked([&](State& fake) {
    if (!fake.lives(context)) {
      fake.complain("a context is released that does not live");
      return;
    }
    --context->engine->contexts;
    std::erase_if(fake.contexts, [&](const auto& owned) { return owned.get() == context; });
  });
}

// A call that names a context.
template <class Use>
int with_context(const char* call, TensorRtContext* context, Use use) {
  return locked([&](State& fake) {
    if (const int error = fake.enter(call); error != 0) return error;
    if (!fake.lives(context)) return fake.complain(fmt::format("{}: no such context", call));
    return use(fake);
  });
}

int set_memory(TensorRtContext* context, void* memory, uint64_t bytes) {
  return with_context("set_memory", context, [&](State& fake) {
    if (bytes < fake.options.memory_bytes) return fake.complain("set_memory: too little");
    context->memory = memory;
    return 0;
  });
}
int bind(TensorRtContext* context, const char* tensor, void* memory) {
  return with_context("bind", context, [&](State& fake) {
    if (tensor != std::string_view{output_name} &&
        std::ranges::find(fake.inputs, tensor) == fake.inputs.end())
      return fake.complain(fmt::format("bind: no such tensor: {}", tensor));
    context->places[tensor] = memory;
    return 0;
  });
}
int set_shape(TensorRtContext* context, const char* input, const TensorRtShape* shape) {
  return with_context("set_shape", context, [&](State& fake) {
    if (shape->texts == 0 || shape->texts > context->max.texts || shape->tokens == 0 ||
        shape->tokens > context->max.tokens)
      return fake.complain(
          fmt::format("set_shape: {}x{} is outside of the profile", shape->texts, shape->tokens));
    context->shapes[input] = *shape;
    return 0;
  });
}
int enqueue(TensorRtContext* context, CudaStream* stream) {
  return with_context("enqueue", context, [&](State& fake) {
    if (const int error = fake.check(*context); error != 0) return error;
    return fake.driver.queue(stream, fake.work_of(*context)) == 0
               ? 0
               : State::fail("the stream does not take it");
  });
}

constexpr TensorRtShim fake_table = {.version = tensorrt_shim_version,
                                     .open = open_runtime,
                                     .close = close_runtime,
                                     .error_text = error_text,
                                     .load = load,
                                     .release = release,
                                     .describe = describe,
                                     .describe_tensor = describe_tensor,
                                     .describe_profile = describe_profile,
                                     .make_context = make_context,
                                     .release_context = release_context,
                                     .set_memory = set_memory,
                                     .bind = bind,
                                     .set_shape = set_shape,
                                     .enqueue = enqueue};

}  // namespace

FakeShim::FakeShim(FakeDriver& driver, const Model& model, const FakeEngineOptions& options)
    : state_(std::make_unique<State>(driver, model, options)) {
  ENSURE(current == nullptr);
  current = state_.get();
}
FakeShim::~FakeShim() { current = nullptr; }

const TensorRtShim& FakeShim::table() const { return fake_table; }
std::span<const std::byte> FakeShim::engine() {
  return std::as_bytes(std::span{engine_content.data(), engine_content.size()});
}

std::vector<std::string> FakeShim::complaints() const {
  const std::lock_guard lock(state_->complaining);
  return state_->complaints;
}
size_t FakeShim::alive() const {
  const std::lock_guard lock(state_->mutex);
  return state_->engines.size() + state_->contexts.size();
}
bool FakeShim::opened() const {
  const std::lock_guard lock(state_->mutex);
  return state_->opened;
}
uint64_t FakeShim::calls() const {
  const std::lock_guard lock(state_->mutex);
  return state_->calls;
}
void FakeShim::fail_call(uint64_t number) {
  const std::lock_guard lock(state_->mutex);
  state_->failing = number;
}

}  // namespace hilo
