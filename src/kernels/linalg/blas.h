// The functions of BLAS and LAPACK that our kernels call, found in OpenBLAS when the first of them is needed.
#pragma once

#include <cstddef>

namespace anabranch::kernels {

// CBLAS's enumerations, by the values that its ABI fixes.
enum class BlasOrder : int { RowMajor = 101, ColMajor = 102 };
enum class Transpose : int { No = 111, Yes = 112 };
enum class Triangle : int { Upper = 121, Lower = 122 };
enum class Diagonal : int { NonUnit = 131, Unit = 132 };
enum class Side : int { Left = 141, Right = 142 };

using blas_int = int;  // scipy-openblas32

// Held while OpenBLAS is at work. It has locks of its own: a fork waits for the calls that are under way, lest the
// child finds a lock taken by a thread that it does not have.
class BlasCall {
 public:
  BlasCall();
  ~BlasCall();
  BlasCall(const BlasCall&) = delete;
  BlasCall& operator=(const BlasCall&) = delete;
};

// A function of OpenBLAS's.
template <typename F>
class BlasFunction;
template <typename... Args>
class BlasFunction<void (*)(Args...)> {
 public:
  void operator=(void* symbol) { function_ = reinterpret_cast<void (*)(Args...)>(symbol); }
  void operator()(Args... args) const {
    const BlasCall call;
    function_(args...);
  }

 private:
  void (*function_)(Args...) = nullptr;
};

// cblas_?gemm: C = alpha op(A) op(B) + beta C. `Scalar` is T for real types and const void* for complex ones.
template <typename T, typename Scalar = T>
using Gemm =
    BlasFunction<void (*)(BlasOrder, Transpose, Transpose, blas_int m, blas_int n, blas_int k, Scalar alpha, const T* a,
                          blas_int lda, const T* b, blas_int ldb, Scalar beta, T* c, blas_int ldc)>;
// cblas_?trsm: B = alpha inverse(op(A)) B, or B inverse(op(A)).
template <typename T>
using Trsm = BlasFunction<void (*)(BlasOrder, Side, Triangle, Transpose, Diagonal, blas_int m, blas_int n, T alpha,
                                   const T* a, blas_int lda, T* b, blas_int ldb)>;
// LAPACK's own (column-major) entry points.
template <typename T>
using Getrf = BlasFunction<void (*)(const blas_int* m, const blas_int* n, T* a, const blas_int* lda, blas_int* pivots,
                                    blas_int* info)>;
template <typename T>
using Potrf = BlasFunction<void (*)(const char* uplo, const blas_int* n, T* a, const blas_int* lda, blas_int* info,
                                    std::size_t uplo_length)>;

// What we use for one element type.
template <typename T>
struct BlasOf {
  Gemm<T> gemm;
  Trsm<T> trsm;
  Getrf<T> getrf;
  Potrf<T> potrf;
};

struct Blas {
  BlasOf<float> f32;
  BlasOf<double> f64;
  Gemm<void, const void*> cgemm;
};

// OpenBLAS, loaded at the first call and kept to one thread: we tile on our own pool. Looked for in
// $ANABRANCH_OPENBLAS, beside our own library, in the scipy_openblas32 package beside our own, where it was at build
// time, and wherever the dynamic linker looks. Throws NotSupported naming all of these where it is in none. Safe to
// call from several threads, as are the functions in it.
const Blas& blas();

template <typename T>
const BlasOf<T>& blas_of();
template <>
inline const BlasOf<float>& blas_of<float>() {
  return blas().f32;
}
template <>
inline const BlasOf<double>& blas_of<double>() {
  return blas().f64;
}

}  // namespace anabranch::kernels
