// The rules of the table: result dtypes, refusals, broadcasting.
#include <cmath>
#include <limits>

#include "values.h"

namespace anabranch {
namespace {

using ::testing::ElementsAre;
using testing::every_dtype;
using testing::values;

bool inexact_dtype(Dtype d) { return issubdtype(d, inexact); }

// What the table's rule says, told independently of its implementation.
Dtype expected(const std::string& rule, Dtype d) {
  if (rule == "boolean") return bool_;
  if (rule == "real") return d == complex64 ? float32 : d;
  if (rule == "inexact") return inexact_dtype(d) ? d : float32;
  return d;
}

bool accepted(const std::string& lanes, Dtype d) {
  if (lanes == "n") return d != bool_;
  if (lanes == "r" || lanes == "f") return d != complex64;
  if (lanes == "i") return !inexact_dtype(d);
  return true;
}

template <typename F>
void check_unary(const std::string& name, const std::string& rule, const std::string& lanes, F function) {
  for (Dtype d : every_dtype) {
    SCOPED_TRACE(name + " of " + std::string(dtype_name(d)));
    const array a = zeros({2}, d);
    if (accepted(lanes, d)) {
      EXPECT_EQ(function(a).dtype(), expected(rule, d));
    } else {
      EXPECT_THROW(function(a), std::invalid_argument);
    }
  }
}

template <typename F>
void check_binary(const std::string& name, const std::string& rule, const std::string& lanes, F function) {
  const bool shift = name == "left_shift" || name == "right_shift";
  for (Dtype d : every_dtype) {
    for (Dtype e : every_dtype) {
      SCOPED_TRACE(name + " of " + std::string(dtype_name(d)) + " and " + std::string(dtype_name(e)));
      const array a = zeros({2}, d), b = zeros({2}, e);
      const Dtype promoted = promote_types(d, e);
      if (accepted(lanes, promoted)) {
        EXPECT_EQ(function(a, b).dtype(), shift && promoted == bool_ ? uint8 : expected(rule, promoted));
      } else if (lanes == "i") {
        EXPECT_THROW(function(a, b), std::runtime_error);
      } else {
        EXPECT_THROW(function(a, b), std::invalid_argument);
      }
    }
  }
}

TEST(Elementwise, Dtypes) {
#define ANABRANCH_CHECK(Opcode, function, rule, lanes, ...) \
  check_unary(#function, #rule, #lanes, [](const array& a) { return function(a); });
  ANABRANCH_UNARY_OPS(ANABRANCH_CHECK)
#undef ANABRANCH_CHECK
#define ANABRANCH_CHECK(Opcode, function, rule, lanes, ...) \
  check_binary(#function, #rule, #lanes, [](const array& a, const array& b) { return function(a, b); });
  ANABRANCH_BINARY_OPS(ANABRANCH_CHECK)
#undef ANABRANCH_CHECK
}

TEST(Elementwise, Broadcasts) {
  const array a = testing::counting({2, 1}), b = array({10, 20, 30});
  const array sum = a + b;
  EXPECT_EQ(sum.shape(), (Shape{2, 3}));
  EXPECT_THAT(values<int>(sum), ElementsAre(10, 20, 30, 11, 21, 31));
  EXPECT_THAT(values<int>(array(5) - b), ElementsAre(-5, -15, -25));
  EXPECT_THAT(values<int>(b * array(2)), ElementsAre(20, 40, 60));
  EXPECT_THAT(values(b + 0.5f), ElementsAre(10.5f, 20.5f, 30.5f));
  EXPECT_EQ((ones({0, 3}) + ones({3})).shape(), (Shape{0, 3}));
  EXPECT_THROW(zeros({2, 3}) + zeros({4}), std::invalid_argument);
  try {
    add(zeros({2, 3}), zeros({4}));
  } catch (const std::invalid_argument& e) {
    EXPECT_STREQ(e.what(), "[add] Shapes (2,3) and (4) cannot be broadcast.");
  }
}

TEST(Elementwise, WhereAndAstype) {
  const array x = where(array({true, false, true}), array({1, 2, 3}), array(0.5f));
  EXPECT_EQ(x.dtype(), float32);
  EXPECT_THAT(values(x), ElementsAre(1, 0.5f, 3));
  EXPECT_THAT(values<int>(where(array({0.5f, 0.0f}), array(1), array(2))), ElementsAre(1, 2));
  EXPECT_EQ(where(array({true, false}), array(1, int8), array(2, uint8)).dtype(), int16);
  EXPECT_THROW(where(zeros({3}), zeros({2}), zeros({2})), std::invalid_argument);
  EXPECT_THAT(values<int>(astype(array({1.9f, -1.9f}), int32)), ElementsAre(1, -1));
  const array a = zeros({2});
  EXPECT_EQ(astype(a, float32).node(), a.node());
}

TEST(Elementwise, IntegersAreWholeAlready) {
  const array a = array({3, -4});
  EXPECT_EQ(floor(a).node(), a.node());
  EXPECT_EQ(conjugate(a).node(), a.node());
}

TEST(Numeric, Round) {
  EXPECT_THAT(values(round(array({1.25f, 15.5f, -2.5f}), 1)), ElementsAre(1.2f, 15.5f, -2.5f));
  EXPECT_THAT(values<int>(round(array({125, 15, -25, 35}), -1)), ElementsAre(120, 20, -20, 40));
  EXPECT_THAT(values<int>(round(array({125, 15}), 2)), ElementsAre(125, 15));
  EXPECT_THAT(values(round(array({0.5f, 1.5f, 2.5f}))), ElementsAre(0, 2, 2));
}

TEST(Numeric, Clip) {
  EXPECT_THAT(values(clip(array({1, 2, 3}), array(1.5f), array(2.5f))), ElementsAre(1.5f, 2, 2.5f));
  EXPECT_THAT(values<int>(clip(array({1, 2, 3}), std::nullopt, array(2))), ElementsAre(1, 2, 2));
  EXPECT_THROW(clip(array({1, 2})), std::invalid_argument);
}

TEST(Numeric, NanToNum) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const array a = array({nan, inf, -inf, 1.0f});
  const float largest = std::numeric_limits<float>::max();
  EXPECT_THAT(values(nan_to_num(a)), ElementsAre(0, largest, -largest, 1));
  EXPECT_THAT(values(nan_to_num(astype(a, float16), 2.0f, 5.0f)), ElementsAre(2, 5, -65504, 1));
  EXPECT_THROW(nan_to_num(zeros({1}, complex64)), std::invalid_argument);
}

TEST(Numeric, AnglesAndDivmod) {
  EXPECT_FLOAT_EQ(values(degrees(array({1.0f})))[0], 57.295780f);
  EXPECT_FLOAT_EQ(values(radians(array({180})))[0], 3.1415927f);
  const auto parts = divmod(array({7, -7, 7}), array({2, 2, -2}));
  EXPECT_THAT(values<int>(parts[0]), ElementsAre(3, -4, -4));
  EXPECT_THAT(values<int>(parts[1]), ElementsAre(1, 1, -1));
}

TEST(Logic, Closeness) {
  const float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const array a = array({1.0f, nan, inf, inf}), b = array({1.000001f, nan, inf, -inf});
  EXPECT_THAT(values<bool>(isclose(a, b)), ElementsAre(true, false, true, false));
  EXPECT_THAT(values<bool>(isclose(a, b, 1e-5, 1e-8, true)), ElementsAre(true, true, true, false));
  EXPECT_FALSE(allclose(array({1}), array({2})).item<bool>());
  EXPECT_TRUE(allclose(array({1}), array({2}), 0, 1).item<bool>());
  EXPECT_FALSE(allclose(array(std::uint8_t{0}), array(std::uint8_t{1})).item<bool>());
  EXPECT_THROW(allclose(zeros({2}), zeros({3})), std::invalid_argument);
}

TEST(Logic, Equality) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(array_equal(zeros({2}), zeros({2}, int32)).item<bool>());
  EXPECT_FALSE(array_equal(zeros({2}), zeros({3})).item<bool>());
  EXPECT_FALSE(array_equal(array({nan}), array({nan})).item<bool>());
  EXPECT_TRUE(array_equal(array({nan}), array({nan}), true).item<bool>());
  EXPECT_THAT(values<bool>(logical_xor(array({1, 0, 2}), array({0.0f, 0.0f, 0.5f}))), ElementsAre(true, false, false));
  const array c = array({complex64_t(1, 1), complex64_t(std::numeric_limits<float>::infinity(), 0)});
  EXPECT_THAT(values<bool>(isposinf(c)), ElementsAre(false, true));
  EXPECT_THAT(values<bool>(isneginf(array({1, 2}))), ElementsAre(false, false));
}

}  // namespace
}  // namespace anabranch
