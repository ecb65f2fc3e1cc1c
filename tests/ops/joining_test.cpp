#include "values.h"

namespace anabranch {
namespace {

using testing::counting;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::values;

TEST(Joining, Concatenate) {
  const array a = counting({2, 2}), b = transpose(a);
  EXPECT_THAT(values<int>(concatenate({a, b}, 0)), ElementsAre(0, 1, 2, 3, 0, 2, 1, 3));
  EXPECT_THAT(values<int>(concatenate({a, b}, -1)), ElementsAre(0, 1, 0, 2, 2, 3, 1, 3));
  EXPECT_EQ(concatenate({array({1}), array({0.5f})}, 0).dtype(), float32);
  EXPECT_THAT(values<int>(concatenate({a, array({9})})), ElementsAre(0, 1, 2, 3, 9));
  EXPECT_THAT(values(concatenate({zeros({0}), array({1})}, 0)), ElementsAre(1));
  EXPECT_THROW(concatenate({}, 0), std::invalid_argument);
  EXPECT_THROW(concatenate({a, zeros({2})}, 0), std::invalid_argument);
  EXPECT_THROW(concatenate({a, zeros({2, 3})}, 0), std::invalid_argument);
  EXPECT_THROW(concatenate({a, a}, 2), std::out_of_range);
  EXPECT_THROW(concatenate({array(1), array(2)}, 0), std::out_of_range);
}

TEST(Joining, Stack) {
  EXPECT_THAT(values<int>(stack({array({1, 2}), array({3, 4})}, -1)), ElementsAre(1, 3, 2, 4));
  EXPECT_EQ(stack({array(1), array(0.5f)}).shape(), Shape{2});
  EXPECT_THROW(stack({}), std::invalid_argument);
  EXPECT_THROW(stack({zeros({2}), zeros({3})}), std::invalid_argument);
  EXPECT_THROW(stack({zeros({2})}, 2), std::out_of_range);
}

TEST(Joining, Split) {
  const array a = arange(6);
  const auto thirds = split(a, 3);
  EXPECT_EQ(thirds.size(), 3u);
  EXPECT_THAT(values<int>(thirds[1]), ElementsAre(2, 3));
  const auto parts = split(a, Shape{4, 2});
  EXPECT_THAT(values<int>(parts[0]), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(values<int>(parts[1]), IsEmpty());
  EXPECT_THAT(values<int>(parts[2]), ElementsAre(2, 3, 4, 5));
  EXPECT_THAT(values<int>(split(a, Shape{-2}, 0)[1]), ElementsAre(4, 5));
  EXPECT_THROW(split(a, 4), std::invalid_argument);
  EXPECT_THROW(split(a, 0), std::invalid_argument);
  EXPECT_THROW(split(a, 2, 1), std::out_of_range);
  EXPECT_THAT(values<int>(unstack(counting({2, 3}), 1)[2]), ElementsAre(2, 5));
}

TEST(Joining, Repeats) {
  const array a = reshape(array({1, 2, 3, 4}), {2, 2});
  EXPECT_THAT(values<int>(repeat(a, 2)), ElementsAre(1, 1, 2, 2, 3, 3, 4, 4));
  EXPECT_THAT(values<int>(repeat(a, 2, 0)), ElementsAre(1, 2, 1, 2, 3, 4, 3, 4));
  EXPECT_EQ(repeat(a, 0, 1).shape(), (Shape{2, 0}));
  EXPECT_THROW(repeat(a, -1, 0), std::invalid_argument);
  EXPECT_THAT(values<int>(tile(array({1, 2}), {2, 2})), ElementsAre(1, 2, 1, 2, 1, 2, 1, 2));
  EXPECT_EQ(tile(a, {3}).shape(), (Shape{2, 6}));
  EXPECT_EQ(tile(array(3), {2, 2}).shape(), (Shape{2, 2}));
  EXPECT_THROW(tile(a, {-1}), std::invalid_argument);
}

TEST(Joining, Roll) {
  const array a = counting({2, 3});
  EXPECT_THAT(values<int>(roll(a, 1)), ElementsAre(5, 0, 1, 2, 3, 4));
  EXPECT_THAT(values<int>(roll(a, -4, 1)), ElementsAre(1, 2, 0, 4, 5, 3));
  EXPECT_THAT(values<int>(roll(a, Shape{1, 2}, std::vector<int>{0, 1})), ElementsAre(4, 5, 3, 1, 2, 0));
  EXPECT_THAT(values<int>(roll(a, Shape{1, 2})), ElementsAre(3, 4, 5, 0, 1, 2));
  EXPECT_THROW(roll(a, Shape{1}, std::vector<int>{0, 1}), std::invalid_argument);
  EXPECT_EQ(roll(zeros({0}), 1).shape(), Shape{0});
}

TEST(Joining, Pad) {
  EXPECT_THAT(values<int>(pad(array({1, 2}), 1)), ElementsAre(0, 1, 2, 0));
  EXPECT_THAT(values<int>(pad(array({1, 2}), {1, 2}, array(2.5f))), ElementsAre(2, 1, 2, 2, 2));
  EXPECT_THAT(values<int>(pad(array({1, 2}), {1, 2}, array(0), "edge")), ElementsAre(1, 1, 2, 2, 2));
  const array edges = pad(counting({2, 2}), {{1, 0}, {0, 1}}, array(0), "edge");
  EXPECT_THAT(values<int>(edges), ElementsAre(0, 1, 1, 0, 1, 1, 2, 3, 3));
  EXPECT_THROW(pad(array({1, 2}), {-1, 2}), std::invalid_argument);
  EXPECT_THROW(pad(array({1, 2}), 1, array(0), "reflect"), std::invalid_argument);
  EXPECT_THROW(pad(array({1, 2}), {{1, 1}, {1, 1}}), std::invalid_argument);
}

}  // namespace
}  // namespace anabranch
