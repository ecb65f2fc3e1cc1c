#include <cmath>
#include <limits>

#include "values.h"

namespace anabranch {
namespace {

using testing::counting;
using ::testing::ElementsAre;
using testing::every_dtype;
using testing::values;

TEST(Reduction, SumsOfSmallIntegersAreWide) {
  for (Dtype d : every_dtype) {
    const Dtype wide = d == bool_ || d == int8 || d == int16 ? int32 : d == uint8 || d == uint16 ? uint32 : d;
    EXPECT_EQ(sum(ones({3}, d)).dtype(), wide) << dtype_name(d);
    EXPECT_EQ(max(ones({3}, d)).dtype(), d) << dtype_name(d);
    EXPECT_EQ(mean(ones({3}, d)).dtype(), issubdtype(d, inexact) ? d : float32) << dtype_name(d);
    EXPECT_EQ(sum(ones({3}, d)).item<int>(), 3) << dtype_name(d);
    EXPECT_EQ(prod(ones({3}, d) + ones({3}, d)).item<int>(), d == bool_ ? 1 : 8) << dtype_name(d);
  }
  EXPECT_EQ(sum(full({300}, 100, int8)).item<int>(), 30000);
}

TEST(Reduction, Axes) {
  const array a = counting({2, 3, 4});
  EXPECT_THAT(values<int>(sum(a, {0, 2})), ElementsAre(60, 92, 124));
  EXPECT_THAT(values<int>(sum(a, {2, 0})), ElementsAre(60, 92, 124));
  EXPECT_THAT(values<int>(sum(a, {-1, 1})), ElementsAre(66, 210));
  EXPECT_EQ(sum(a, {0, 2}, true).shape(), (Shape{1, 3, 1}));
  EXPECT_EQ(sum(a, true).shape(), (Shape{1, 1, 1}));
  EXPECT_EQ(sum(a).item<int>(), 276);
  EXPECT_THAT(values<int>(max(a, 1)), ElementsAre(8, 9, 10, 11, 20, 21, 22, 23));
  EXPECT_THAT(values<int>(min(transpose(a), 0)), ElementsAre(0, 12, 4, 16, 8, 20));
  EXPECT_EQ(sum(a, std::vector<int>{}).node(), a.node());
  EXPECT_THROW(sum(a, 3), std::out_of_range);
  EXPECT_THROW(sum(a, {0, -3}), std::invalid_argument);
  EXPECT_THROW(sum(array(1), 0), std::out_of_range);
}

TEST(Reduction, Empty) {
  EXPECT_EQ(sum(zeros({0})).item<float>(), 0);
  EXPECT_EQ(prod(zeros({0})).item<float>(), 1);
  EXPECT_TRUE(all(zeros({0})).item<bool>());
  EXPECT_FALSE(any(zeros({0})).item<bool>());
  EXPECT_TRUE(std::isnan(mean(zeros({0})).item<float>()));
  EXPECT_THAT(values(sum(zeros({0, 2}), 0)), ElementsAre(0, 0));
  EXPECT_THROW(max(zeros({0, 3}), 0), std::invalid_argument);
  EXPECT_EQ(max(zeros({0, 3}), 1).shape(), Shape{0});
  EXPECT_THROW(argmax(zeros({0, 3}), 1), std::invalid_argument);
  EXPECT_THROW(logsumexp(zeros({0})), std::invalid_argument);
  EXPECT_EQ(softmax(zeros({0, 2}), -1).shape(), (Shape{0, 2}));
}

TEST(Reduction, MeanOfHalvesDoesNotOverflow) {
  EXPECT_EQ(mean(full({10000}, 60.0f, float16)).item<float>(), 60);
  EXPECT_EQ(var(full({10000}, 300.0f, float16)).item<float>(), 0);
}

TEST(Reduction, Moments) {
  EXPECT_FLOAT_EQ(var(array({1.0f, 2.0f, 4.0f})).item<float>(), 14.0f / 9);
  EXPECT_FLOAT_EQ(var(array({1, 2, 4}), false, 1).item<float>(), 7.0f / 3);
  EXPECT_TRUE(std::isinf(var(array({1, 2, 4}), false, 5).item<float>()));
  EXPECT_FLOAT_EQ(anabranch::std(array({1, 2, 4})).item<float>(), std::sqrt(14.0f / 9));
  const array c = array({complex64_t(1, 2), complex64_t(2, -1), complex64_t(0, 0)});
  EXPECT_EQ(var(c).dtype(), float32);
  EXPECT_FLOAT_EQ(var(c).item<float>(), 20.0f / 9);
  EXPECT_EQ(var(counting({2, 3}), 1, true).shape(), (Shape{2, 1}));
}

TEST(Reduction, Indices) {
  const array a = array({3, 1, 4, 1, 5, 9});
  EXPECT_EQ(argmax(a).item<std::uint32_t>(), 5u);
  EXPECT_EQ(argmin(a).item<std::uint32_t>(), 1u);
  EXPECT_EQ(argmax(a).dtype(), uint32);
  const array m = reshape(a, {2, 3});
  EXPECT_THAT(values<int>(argmax(m, 0)), ElementsAre(0, 1, 1));
  EXPECT_THAT(values<int>(argmin(m, 1)), ElementsAre(1, 0));
  EXPECT_EQ(argmax(m, true).shape(), (Shape{1, 1}));
  EXPECT_EQ(argmax(m, 0, true).shape(), (Shape{1, 3}));
  EXPECT_EQ(argmax(array(3.0f)).item<int>(), 0);
  EXPECT_THROW(argmax(m, 2), std::out_of_range);
}

TEST(Reduction, Softmax) {
  const array a = array({1.0f, 2.0f, 3.0f, 4.0f});
  const float e[] = {0.0320586f, 0.0871443f, 0.2368828f, 0.6439143f};
  const auto both = values(softmax(reshape(a, {2, 2}), {0, 1}));
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(both[i], e[i], 1e-6f);
  const auto columns = values(softmax(reshape(a, {2, 2}), 0));
  EXPECT_NEAR(columns[0], 1 / (1 + std::exp(2.0f)), 1e-6f);
  EXPECT_NEAR(columns[1], columns[0], 1e-6f);
  EXPECT_EQ(softmax(array({1, 2})).dtype(), float32);
  EXPECT_EQ(softmax(array(1)).item<float>(), 1);
  EXPECT_THAT(values(softmax(full({2}, 1e4f, float16))), ElementsAre(0.5f, 0.5f));
  EXPECT_THROW(softmax(a, 1), std::out_of_range);
}

TEST(Reduction, Truth) {
  const array a = reshape(array({0, 1, 2, 0, 0, 0}), {2, 3});
  EXPECT_THAT(values<bool>(any(a, 1)), ElementsAre(true, false));
  EXPECT_THAT(values<bool>(all(a, 0)), ElementsAre(false, false, false));
  EXPECT_THAT(values<int>(count_nonzero(a, 1)), ElementsAre(2, 0));
  EXPECT_NEAR(logsumexp(array({1.0f, 2.0f})).item<float>(), 2.3132617f, 1e-6f);
  EXPECT_TRUE(std::isnan(max(array({1.0f, std::numeric_limits<float>::quiet_NaN()})).item<float>()));
  EXPECT_EQ(number_of_elements(a, {1}, false).item<int>(), 3);
}

}  // namespace
}  // namespace anabranch
