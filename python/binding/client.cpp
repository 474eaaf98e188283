#include "client.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include <hilo/hilo.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>

#include "dispatcher.h"
#include "text.h"

namespace hilo::python {
namespace nb = nanobind;
using namespace nb::literals;

namespace {

using Rows = nb::ndarray<float, nb::ndim<2>, nb::c_contig, nb::device::cpu>;
using Texts = nb::typed<nb::tuple, nb::object, nb::ellipsis>;  // str, or arrays of ids
using TokenVectors = nb::ndarray<nb::numpy, float, nb::ndim<2>, nb::c_contig>;
using View = nb::ndarray<nb::numpy, const float, nb::ndim<1>, nb::c_contig>;

// A view's claim on its vector's memory: keeps the channel mapped and gives the slot back.
struct Lease {
  std::shared_ptr<Dispatcher> dispatcher;
  hilo_task task;
  ~Lease() { dispatcher->release(task); }
};

// A call with the Python objects that its pointers point into.
class BoundCall {
 public:
  BoundCall(std::shared_ptr<Dispatcher> dispatcher, CallRequest request, nb::tuple texts,
            std::optional<Rows> rows)
      : dispatcher_{std::move(dispatcher)}, texts_{std::move(texts)}, rows_{std::move(rows)} {
    const nb::gil_scoped_release unlocked;
    call_ = dispatcher_->begin(std::move(request));
  }
  ~BoundCall() {
    if (call_) dispatcher_->abandon(*call_);
  }
  BoundCall(BoundCall&&) = default;
  BoundCall& operator=(BoundCall&&) = delete;

  bool advance(int slice_ms) {
    return dispatcher_->advance(*call_, std::chrono::milliseconds{slice_ms});
  }
  bool is_over() { return dispatcher_->is_over(*call_); }
  void abandon() { dispatcher_->abandon(*call_); }
  std::tuple<size_t, uint64_t> progress() {
    const CallProgress progress = dispatcher_->progress(*call_);
    return {progress.finished, progress.tokens};
  }
  nb::typed<nb::list, View> views() {
    const std::vector<LentVector> vectors = dispatcher_->hand_over_vectors(*call_);
    nb::typed<nb::list, View> views;
    for (const LentVector& lent : vectors) {
      auto lease = std::make_unique<Lease>(dispatcher_, lent.task);
      const nb::capsule owner{
          lease.release(), [](void* released) noexcept { delete static_cast<Lease*>(released); }};
      views.append(View{lent.vector, {dispatcher_->info().dims}, owner}.cast());
    }
    return views;
  }
  nb::typed<nb::list, TokenVectors> token_vectors() {
    const size_t dims = dispatcher_->info().dims;
    nb::typed<nb::list, TokenVectors> arrays;
    for (std::vector<float>& vectors : dispatcher_->hand_over_token_vectors(*call_)) {
      auto kept = std::make_unique<std::vector<float>>(std::move(vectors));
      float* const floats = kept->data();
      const size_t tokens = kept->size() / dims;
      const nb::capsule owner{kept.release(), [](void* dropped) noexcept {
                                delete static_cast<std::vector<float>*>(dropped);
                              }};
      arrays.append(TokenVectors{floats, {tokens, dims}, owner}.cast());
    }
    return arrays;
  }

 private:
  std::shared_ptr<Dispatcher> dispatcher_;
  nb::tuple texts_;
  std::optional<Rows> rows_;
  std::shared_ptr<Call> call_;
};

class BoundClient {
 public:
  explicit BoundClient(hilo_client* client) : dispatcher_{std::make_shared<Dispatcher>(client)} {}

  BoundCall begin(Texts texts, std::optional<Rows> rows, const CallOptions& options,
                  int wake_descriptor) {
    const hilo_info_t& info = dispatcher_->info();
    CallRequest request{.texts = read_texts(texts, options.input),
                        .options = options,
                        .rows = rows ? rows->data() : nullptr,
                        .wake_descriptor = wake_descriptor};
    if (rows && (rows->shape(0) != request.tasks() || rows->shape(1) != info.dims))
      throw nb::value_error("rows should be of shape [tasks, dims]");
    return {dispatcher_, std::move(request), std::move(texts), std::move(rows)};
  }
  void pump() { dispatcher_->pump(); }
  std::optional<int> pause_ms() {
    const auto pause = dispatcher_->pause();
    if (!pause) return std::nullopt;
    return static_cast<int>(pause->count());
  }
  void shut() { dispatcher_->shut(); }
  int descriptor() const { return dispatcher_->descriptor(); }
  std::tuple<size_t, uint64_t, uint64_t> totals() {
    const CallProgress totals = dispatcher_->totals();
    return {totals.finished, totals.tokens, totals.truncated};
  }
  const hilo_info_t& info() const { return dispatcher_->info(); }

 private:
  // Of pairs, the first text belongs to all the others.
  std::vector<hilo_text> read_texts(const Texts& objects, hilo_input input) const {
    std::vector<hilo_text> texts;
    const bool pairs = input == HILO_PAIR;
    texts.reserve(objects.size() * (pairs ? 2 : 1));
    const hilo_text query = pairs ? text_of(objects[0]) : hilo_text{nullptr, 0};
    for (size_t i = pairs ? 1 : 0; i < objects.size(); ++i) {
      const size_t index = i - (pairs ? 1 : 0);
      if (pairs) texts.push_back(query);
      texts.push_back(input == HILO_IDS ? ids_of(objects[i]) : text_of(objects[i], index));
      const size_t bytes = texts.back().bytes + query.bytes;
      if (bytes > info().text_bytes_max) throw too_long(input, index, bytes);
    }
    return texts;
  }
  StatusError too_long(hilo_input input, size_t index, size_t bytes) const {
    const std::string what = input == HILO_IDS ? " bytes of ids" : " bytes of UTF-8";
    const std::string with = input == HILO_PAIR ? " and the query have " : " has ";
    return {HILO_TEXT_TOO_LONG,
            "text " + std::to_string(index) + with + std::to_string(bytes) + what +
                ", and the limit is " + std::to_string(info().text_bytes_max) + ": split it",
            index};
  }

  std::shared_ptr<Dispatcher> dispatcher_;
};

// The three ways to a client differ in the C call alone. They block for up to ten seconds.
template <typename Connect>
BoundClient connected(Connect connect) {
  const nb::gil_scoped_release unlocked;
  hilo_client* client = nullptr;
  throw_unless_ok(connect(&client));
  return BoundClient{client};
}

}  // namespace

void define_client(nb::module_& module) {
  const auto unlocked = nb::call_guard<nb::gil_scoped_release>();

  nb::class_<CallOptions>(module, "Options", "What all texts of a call have in common.")
      .def(
          "__init__",
          [](CallOptions* options, hilo_lane lane, uint32_t timeout_ms,
             std::optional<std::string> prompt, hilo_input input, hilo_truncation truncation,
             bool raw, bool every_token) {
            new (options) CallOptions{lane,       timeout_ms, prompt.value_or(""), input,
                                      truncation, raw,        every_token};
          },
          nb::kw_only(), "lane"_a, "timeout_ms"_a, "prompt"_a.none(), "input"_a, "truncation"_a,
          "raw"_a, "every_token"_a);

  nb::class_<BoundCall>(module, "Call", "One list of texts on its way.")
      .def("advance", &BoundCall::advance, "slice_ms"_a, unlocked,
           "Waits at most that long, or until a signal; True when all vectors are there.")
      .def_prop_ro("over", &BoundCall::is_over, "Whether advance() would return True or raise.")
      .def("abandon", &BoundCall::abandon, unlocked, "Cancels what is still open.")
      .def("progress", &BoundCall::progress, unlocked, "Texts and tokens finished.")
      .def("token_vectors", &BoundCall::token_vectors,
           "Of each text of a finished call that asked for every token, an array of their vectors.")
      .def("views", &BoundCall::views, "The vectors of a finished call without rows.");

  nb::class_<BoundClient>(module, "Client", "A channel to an engine, for any number of threads.")
      .def("begin", &BoundClient::begin, "texts"_a, "rows"_a.none(), "options"_a,
           "wake_descriptor"_a,
           "Submits texts whose vectors go to `rows`, or become views if that is None. Of pairs, "
           "the first text is paired with each of the others.")
      .def("pump", &BoundClient::pump, unlocked, "For an event loop: `descriptor` is readable.")
      .def("pause_ms", &BoundClient::pause_ms, unlocked,
           "In how long to call pump() again for what was refused; None: nothing waits for that.")
      .def("shut", &BoundClient::shut, unlocked, "Fails every call, now and later.")
      .def("totals", &BoundClient::totals, unlocked, "Texts, tokens and truncated texts so far.")
      .def_prop_ro("descriptor", &BoundClient::descriptor)
      .def_prop_ro("dims", [](const BoundClient& client) { return client.info().dims; })
      .def_prop_ro("tokens_max", [](const BoundClient& client) { return client.info().tokens_max; })
      .def_prop_ro("lanes", [](const BoundClient& client) { return client.info().lanes; })
      .def_prop_ro("json", [](const BoundClient& client) { return client.info().json; });

  module.def(
      "open", [] { return connected(hilo_open); }, "The channel of HILO_CHANNEL.");
  module.def(
      "connect",
      [](const std::optional<std::string>& socket, hilo_lane lane) {
        return connected([&](hilo_client** client) {
          return hilo_connect(socket ? socket->c_str() : nullptr, lane, client);
        });
      },
      "socket"_a.none(), "lane"_a, "A channel from the engine that listens on a socket.");
  module.def(
      "connect_descriptor",
      [](int descriptor, hilo_lane lane) {
        return connected(
            [&](hilo_client** client) { return hilo_connect_fd(descriptor, lane, client); });
      },
      "descriptor"_a, "lane"_a, "The same over a connected socket, which the client owns then.");
}

}  // namespace hilo::python
