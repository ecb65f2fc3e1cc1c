from anabranch import *
