// Products by cuBLASLt. It counts columns first: row-major out is out^T = weights x rows^T to it.
//
// How a product is computed best depends on its rows. So each bucket of rows (up to 32, 64, 128
// ...) has an algorithm of its own: that which took the least time when the product was made, of
// those that give a row the bits that the largest bucket's gives it. None splits sums, whose parts
// would be added in another order for another number of rows.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "backend/cuda/plugin/errors.h"
#include "backend/cuda/plugin/scratch.h"

struct CudaGemm {
  CudaGemmShape shape;
  std::array<cublasLtMatmulAlgo_t, 32> algorithms;  // by bucket
};

namespace {

cublasLtHandle_t cublas_handle = nullptr;

uint32_t bucket_of(uint32_t rows) {
  constexpr uint32_t rows_of_first = 32;
  return static_cast<uint32_t>(std::bit_width((std::max(rows, 1U) - 1) / rows_of_first));
}

cudaDataType_t type_of(CudaFormat format) { return format == cuda_bf16 ? CUDA_R_16BF : CUDA_R_16F; }

// What cuBLASLt calls a product: everything but the algorithm.
struct Product {
  explicit Product(const CudaGemmShape& shape, uint32_t row_count, const uint16_t* bias) {
    const cudaDataType_t narrow = type_of(shape.format);
    const cudaDataType_t out_type = shape.out_is_fp32 != 0 ? CUDA_R_32F : narrow;
    const cublasOperation_t transposed = CUBLAS_OP_T;
    const cublasLtEpilogue_t adds_bias = CUBLASLT_EPILOGUE_BIAS;
    check(cublasLtMatrixLayoutInit(&weights, narrow, shape.depth, shape.columns, shape.depth));
    check(cublasLtMatrixLayoutInit(&rows, narrow, shape.depth, row_count, shape.depth));
    check(cublasLtMatrixLayoutInit(&out, out_type, shape.columns, row_count, shape.columns));
    check(cublasLtMatmulDescInit(&description, CUBLAS_COMPUTE_32F, CUDA_R_32F));
    set(CUBLASLT_MATMUL_DESC_TRANSA, transposed);
    if (shape.adds_bias == 0) return;
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, adds_bias);
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  }

  cublasLtMatmulDescOpaque_t description{};
  cublasLtMatrixLayoutOpaque_t weights{};
  cublasLtMatrixLayoutOpaque_t rows{};
  cublasLtMatrixLayoutOpaque_t out{};
  cublasStatus_t status = CUBLAS_STATUS_SUCCESS;

 private:
  void check(cublasStatus_t of_call) {
    if (status == CUBLAS_STATUS_SUCCESS) status = of_call;
  }
  template <class Value>
  void set(cublasLtMatmulDescAttributes_t attribute, const Value& value) {
    check(cublasLtMatmulDescSetAttribute(&description, attribute, &value, sizeof(value)));
  }
};

int multiply_by(const cublasLtMatmulAlgo_t& algorithm, const CudaGemmShape& shape,
                const CudaProduct& product, CudaStream* stream) {
  Product of(shape, product.row_count, product.bias);
  if (of.status != CUBLAS_STATUS_SUCCESS) return cublas(of.status);
  const float one = 1.0F;
  const float zero = 0.0F;
  return cublas(cublasLtMatmul(cublas_handle, &of.description, &one, product.weights, &of.weights,
                               product.rows, &of.rows, &zero, product.out, &of.out, product.out,
                               &of.out, &algorithm, product.workspace, cuda_gemm_workspace_bytes,
                               stream_of(stream)));
}

int multiply(const CudaGemm* gemm, const CudaProduct* product, CudaStream* stream) {
  return multiply_by(gemm->algorithms[bucket_of(product->row_count)], gemm->shape, *product,
                     stream);
}

// ---- Which algorithm

struct Preference {
  Preference() {
    const uint64_t workspace_bytes = cuda_gemm_workspace_bytes;
    const uint32_t whole_sums = CUBLASLT_REDUCTION_SCHEME_NONE;
    status = cublasLtMatmulPreferenceInit(&opaque);
    if (status == CUBLAS_STATUS_SUCCESS)
      status =
          cublasLtMatmulPreferenceSetAttribute(&opaque, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                               &workspace_bytes, sizeof(workspace_bytes));
    if (status == CUBLAS_STATUS_SUCCESS)
      status = cublasLtMatmulPreferenceSetAttribute(
          &opaque, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &whole_sums, sizeof(whole_sums));
  }
  cublasLtMatmulPreferenceOpaque_t opaque{};
  cublasStatus_t status;
};

constexpr int candidates_max = 6;

struct Candidate {
  cublasLtMatmulAlgo_t algorithm;
  float time;
};

// Those that cuBLASLt thinks best for so many rows, the best first.
int propose(const CudaGemmShape& shape, const CudaProduct& product,
            std::vector<Candidate>& candidates) {
  Product of(shape, product.row_count, product.bias);
  if (of.status != CUBLAS_STATUS_SUCCESS) return cublas(of.status);
  Preference preference;
  if (preference.status != CUBLAS_STATUS_SUCCESS) return cublas(preference.status);
  cublasLtMatmulHeuristicResult_t results[candidates_max] = {};
  int found = 0;
  const cublasStatus_t status =
      cublasLtMatmulAlgoGetHeuristic(cublas_handle, &of.description, &of.weights, &of.rows, &of.out,
                                     &of.out, &preference.opaque, candidates_max, results, &found);
  if (status != CUBLAS_STATUS_SUCCESS) return cublas(status);
  for (int i = 0; i < found; ++i)
    if (results[i].state == CUBLAS_STATUS_SUCCESS) candidates.push_back({results[i].algo, 0.0F});
  return candidates.empty() ? cublas(CUBLAS_STATUS_NOT_SUPPORTED) : 0;
}

// Chooses the algorithms of a product by trying them.
class Chooser {
 public:
  explicit Chooser(CudaGemm& gemm) : gemm_(gemm), scratch_(gemm.shape) {}

  int choose() {
    if (scratch_.error() != 0) return scratch_.error();
    const uint32_t last = bucket_of(gemm_.shape.rows_max);
    const CudaProduct largest = scratch_.product(gemm_.shape.rows_max);
    std::vector<Candidate> best;
    if (const int error = propose(gemm_.shape, largest, best); error != 0) return error;
    reference_ = best.front().algorithm;
    if (const int error = result_of(reference_, expected_); error != 0) return error;
    for (uint32_t bucket = 0; bucket <= last; ++bucket)
      if (const int error = choose_for(bucket); error != 0) return error;
    return 0;
  }

 private:
  // So many numbers do not agree by chance.
  static constexpr uint32_t rows_compared = 2048;

  int choose_for(uint32_t bucket) {
    const uint32_t rows = std::min(32U << bucket, gemm_.shape.rows_max);
    const CudaProduct product = scratch_.product(rows);
    std::vector<Candidate> candidates;
    if (const int error = propose(gemm_.shape, product, candidates); error != 0) return error;
    candidates.push_back({reference_, 0.0F});
    for (Candidate& candidate : candidates) {
      const auto queue = [&](CudaStream* stream) {
        return multiply_by(candidate.algorithm, gemm_.shape, product, stream);
      };
      if (scratch_.time_of(queue, candidate.time) != 0)
        candidate.time = std::numeric_limits<float>::infinity();
    }
    std::sort(candidates.begin(), candidates.end(),
              [](const Candidate& a, const Candidate& b) { return a.time < b.time; });
    for (const Candidate& candidate : candidates) {
      std::vector<std::byte> result;
      if (result_of(candidate.algorithm, result) != 0 || result != expected_) continue;
      gemm_.algorithms[bucket] = candidate.algorithm;
      return 0;
    }
    return cublas(CUBLAS_STATUS_NOT_SUPPORTED);
  }

  int result_of(const cublasLtMatmulAlgo_t& algorithm, std::vector<std::byte>& result) {
    const CudaProduct product = scratch_.product(std::min(rows_compared, gemm_.shape.rows_max));
    const auto queue = [&](CudaStream* stream) {
      return multiply_by(algorithm, gemm_.shape, product, stream);
    };
    return scratch_.result_of(queue, product.row_count, result);
  }

  CudaGemm& gemm_;
  Scratch scratch_;
  cublasLtMatmulAlgo_t reference_{};
  std::vector<std::byte> expected_;
};

void release_gemm(CudaGemm* gemm) { const std::unique_ptr<CudaGemm> owner(gemm); }

int make_gemm(const CudaGemmShape* shape, CudaGemm** made) {
  std::unique_ptr<CudaGemm> gemm{new (std::nothrow) CudaGemm{*shape, {}}};
  if (gemm == nullptr) return runtime(cudaErrorMemoryAllocation);
  if (const int error = Chooser(*gemm).choose(); error != 0) return error;
  *made = gemm.release();
  return 0;
}

}  // namespace
