"""From where on a measured number counts as an illness: every threshold of the doctor, with its reason and source.

They were chosen on the planted runs of ``tools/doctor.py`` that are marked for tuning; the others, with seeds and
architectures of their own, only measure what was chosen.
"""

from __future__ import annotations

# ---- data

# LeCun, Bottou, Orr, Müller, "Efficient backprop", 1998, §4.3: inputs should have mean 0 and variance about 1. The
# largest eigenvalue of a linear layer's Hessian grows with the square of a feature's root mean square: at 10 the
# learning rate has to be 100 times smaller than usual.
INPUT_SCALE = 10.0
# Below it, weights of the usual size see next to nothing of a feature.
INPUT_TOO_SMALL = 1e-2
# Features whose ranges differ by more: the condition of the problem is the square of it.
RANGE_RATIO = 1000.0
# |mean| / standard deviation: the largest eigenvalue is (1 + ratio²) times the others (LeCun et al., 1998, §4.3).
OFFSET = 10.0
# The same of the targets of a regression, whose scale the last layer's weights have to reach from about 1.
TARGET_SCALE = 10.0
TARGET_TOO_SMALL = 1e-2
# Squares of 0 and 1 do no harm where outputs leave less than this share of the targets' variance.
MET = 0.01
# Two features count as one from this correlation on: the rest is rounding.
SAME_FEATURE = 0.99999
# The most frequent label against the rarest: H. He, E. Garcia, "Learning from imbalanced data", IEEE TKDE 21 (2009)
# speak of imbalance from 10:1 on.
IMBALANCE = 10.0
# A feature leaks the target if a function of it alone explains all but this share of the target on rows not seen …
LEAK = 0.02
# … and all other features together leave at least so many times as much unexplained: S. Kaufman, S. Rosset, C. Perlich,
# "Leakage in data mining", ACM TKDD 6 (2012): what is too good to be true, and alone in being so.
LEAK_RATIO = 5.0
# Targets have nothing to do with inputs if neither neighbours nor a line predict better than on this many standard
# deviations of shuffled targets (a permutation test; M. Ojala, G. Garriga, JMLR 11 (2010)).
UNRELATED = 2.0
UNRELATED_ROWS = 200  # with fewer, weak relations look like none

# ---- the network

# The norm of δ, gradient by a layer's pre-activations: of the first hidden layer against the last one. X. Glorot,
# Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010, fig. 7: with
# normalised initial values it stays within a factor of about 2 over five layers, without it falls 40-fold.
VANISHING = 1e-2
EXPLODING = 1e2
# The scale of hidden pre-activations against that of the inputs, before training: 1 to 1.5 by the initial values of
# Glorot and Bengio (2010) and K. He et al., "Delving deep into rectifiers", ICCV 2015, at any depth.
SCALE_LOW = 0.1
SCALE_HIGH = 10.0
# The share of a layer's ReLUs that are 0 on every row: L. Lu, Y. Shin, Y. Su, G. Karniadakis, "Dying ReLU and
# initialization", 2019. Small healthy layers lose up to a third.
DEAD = 0.5
# A unit's response counts as flat below this share of its steepest one: |tanh| above 0.995, σ beyond 0.0025 of an end …
FLAT = 0.01
# … and a layer as saturated if this share of its responses is flat (Glorot and Bengio, 2010, §3: saturated layers stop
# learning and hold up those below).
SATURATED = 0.5
# Of a layer with dropout so few numbers may remain: N. Srivastava et al., "Dropout", JMLR 15 (2014), fig. 9: errors
# are flat for a share kept of 0.4 to 0.8 and rise below.
DROPOUT = 0.7

# ---- the learning rate

# η gᵀHg/gᵀg: above 2 a quadratic grows along g under gradient descent; J. Cohen et al., "Gradient descent on neural
# networks typically occurs at the edge of stability", ICLR 2021, see trained networks settle at 2.
SHARPNESS = 2.0
# What the loss may come to after a few steps on the same rows, against the least before: a step too long raises it.
PROBE_STEPS = 12
PROBE_RISE = 1.2
# … or how high it may jump on the way, even if it comes back: what was learned before is lost.
PROBE_PEAK = 10.0
# Updates against weights, of one step: A. Karpathy, CS231n, "Babysitting the learning process": about 1e-3.
UPDATE_TOO_LOW = 1e-4
# A rate is too low if this many times of it is still a good one: that takes the loss down by TOO_LOW_GAIN in as many
# steps as the rate itself takes it by less than TOO_LOW_OWN.
TOO_LOW_FACTOR = 100.0
TOO_LOW_GAIN = 0.2
TOO_LOW_OWN = 0.01
# Weight decay's pull against the gradient's, where both hold the weights in balance and the data are not fitted.
DECAY = 0.3

# ---- the course of training

# The validation loss at the end against its least, while the training loss still fell: L. Prechelt, "Early stopping:
# but when?", 1998, calls 5 to 20 % above the least the generalisation loss at which to stop; noise is left room here.
OVERFITTED = 1.3
# … and the validation loss against the training loss at the end.
OVERFITTED_GAP = 2.0
# … and by more than the standard error of the validation loss, which few held-out rows have a large one of: L. Breiman,
# J. Friedman, R. Olshen, C. Stone, "Classification and regression trees", 1984, §3.4.3, the rule of one standard error.
OVERFITTED_ERRORS = 1.0
# A fit is too poor if neighbours predict rows they have not seen with less than this share of its errors …
UNDERFITTED = 0.5
# … and its error, of the share that a constant leaves unexplained, is above it by so much.
UNDERFITTED_GAP = 0.15
# A loss is on a plateau if in the last half of training it fell by less than this share of its value …
PLATEAU = 0.01
PLATEAU_EPOCHS = 8
# … and is above this share of what the best constant output has.
PLATEAU_ABOVE = 0.5
# A loss has exploded if it ends above this many times where it began or was least.
EXPLODED = 2.0
# The gradient by a recurrent layer's inputs over its last steps, a factor for each: Y. Bengio, P. Simard, P. Frasconi,
# "Learning long-term dependencies with gradient descent is difficult", 1994; a gate that is half open has 0.5.
TIME_STEPS = 11
TIME_VANISHING = 0.3
TIME_EXPLODING = 1.6  # R. Pascanu, T. Mikolov, Y. Bengio, ICML 2013: above 1 for long; 1.6¹⁰ is 110
