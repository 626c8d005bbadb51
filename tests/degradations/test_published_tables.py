"""The suites' numbers against the tables of the publications, written down here once more."""

import pytest

from lqjax.degradations.suites.hendrycks import EXTRA
from lqjax.imaging.suites import SUITES

# One line a corruption: five severities, the numbers of one separated by commas.
# Read from hendrycks/robustness, ImageNet-C/create_c, revision 8190fe3.
PUBLISHED = {
    "imagenet_c": """
        gaussian_noise .08 .12 .18 .26 .38
        shot_noise 60 25 12 5 3
        impulse_noise .03 .06 .09 .17 .27
        speckle_noise .15 .2 .35 .45 .6
        gaussian_blur 1 2 3 4 6
        glass_blur .7,1,2 .9,2,1 1,2,3 1.1,3,2 1.5,4,2
        defocus_blur 3,.1 4,.5 6,.5 8,.5 10,.5
        motion_blur 10,3 15,5 15,8 15,12 20,15
        snow .1,.3,3,.5,10,4,.8 .2,.3,2,.5,12,4,.7 .55,.3,4,.9,12,8,.7 .55,.3,4.5,.85,12,8,.65
            .55,.3,2.5,.85,12,12,.55
        frost 1,.4,1 .8,.6,1 .7,.7,1 .65,.7,1 .6,.75,1
        fog 1.5,2,256 2,2,256 2.5,1.7,256 2.5,1.5,256 3,1.4,256
        brightness .1 .2 .3 .4 .5
        contrast .4 .3 .2 .1 .05
        saturate .3,0 .1,0 2,0 5,.1 20,.2
        jpeg_compression 25 18 15 10 7
        pixelate .6 .5 .4 .3 .25
        elastic_transform 488,170.8,24.4 488,19.52,48.8 12.2,2.44,4.88 17.08,2.44,4.88
            29.28,2.44,4.88
        spatter .65,.3,4,.69,.6,0 .65,.3,3,.68,.6,0 .65,.3,2,.68,.5,0 .65,.3,1,.65,1.5,1
            .67,.4,1,.65,1.5,1
        zoom_blur 12,1 16,1 11,2 13,2 11,3
    """,
    "imagenet_c_299": """
        gaussian_noise .09 .13 .19 .27 .40
        shot_noise 50 20 10 5 3
        impulse_noise .04 .07 .10 .18 .28
        speckle_noise .16 .21 .36 .46 .61
        gaussian_blur 1.5 2.5 3.5 4.5 6.5
        glass_blur .8,1,3 1,3,1 1.1,2,4 1.2,4,2 1.6,5,2
        defocus_blur 4,.1 5,.5 7,.5 10,.5 12,.5
        motion_blur 12,4 17,6 17,9 17,13 22,16
        frost 1,.4,1 .8,.6,1 .7,.7,1 .65,.7,1 .6,.75,1
        fog 1.5,2,512 2,2,512 2.5,1.8,512 2.5,1.6,512 3,1.5,512
        brightness .1 .2 .3 .4 .5
        contrast .4 .3 .2 .1 .05
        saturate .3,0 .1,0 2,0 5,.1 20,.2
        jpeg_compression 23 16 13 8 5
        pixelate .5 .4 .3 .25 .2
        elastic_transform 720,252,36 720,28.8,72 18,3.6,7.2 25.2,3.6,7.2 43.2,3.6,7.2
        spatter .65,.3,4,.69,.9,0 .65,.3,3.5,.68,.9,0 .65,.3,3,.68,.8,0 .65,.3,1.2,.65,1.8,1
            .67,.4,1.2,.65,1.8,1
        zoom_blur 12,1 16,1 11,2 13,2 11,3
        snow .1,.3,3,.5,10,4,.8 .2,.3,2,.5,12,4,.7 .55,.3,4,.9,12,8,.7 .55,.3,4.5,.85,12,8,.65
            .55,.3,2.5,.85,12,12,.55
    """,
    "cifar10_c": """
        gaussian_noise .04 .06 .08 .09 .10
        shot_noise 500 250 100 75 50
        impulse_noise .01 .02 .03 .05 .07
        speckle_noise .06 .1 .12 .16 .2
        gaussian_blur .4 .6 .7 .8 1
        glass_blur .05,1,1 .25,1,1 .4,1,1 .25,1,2 .4,1,2
        defocus_blur .3,.4 .4,.5 .5,.6 1,.2 1.5,.1
        motion_blur 6,1 6,1.5 6,2 8,2 9,2.5
        zoom_blur 7,1 12,1 16,1 21,1 26,1
        snow .1,.2,1,.6,8,3,.95 .1,.2,1,.5,10,4,.9 .15,.3,1.75,.55,10,4,.9
            .25,.3,2.25,.6,12,6,.85 .3,.3,1.25,.65,14,12,.8
        frost 1,.2,.2 1,.3,.2 .9,.4,.2 .85,.4,.2 .75,.45,.2
        fog .2,3,32 .5,3,32 .75,2.5,32 1,2,32 1.5,1.75,32
        brightness .05 .1 .15 .2 .3
        contrast .75 .5 .4 .3 .15
        saturate .3,0 .1,0 1.5,0 2,.1 2.5,.2
        jpeg_compression 80 65 58 50 40
        pixelate .95 .9 .85 .75 .65
        elastic_transform 0,0,2.56 1.6,6.4,2.24 2.56,1.92,1.92 3.2,1.28,1.6 3.2,.96,.96
        spatter .62,.1,.7,.7,.5,0 .65,.1,.8,.7,.5,0 .65,.3,1,.69,.5,0 .65,.1,.7,.69,.6,1
            .65,.1,.5,.68,.6,1
    """,
    "tiny_imagenet_c": """
        gaussian_noise .04 .08 .12 .15 .18
        shot_noise 250 100 50 30 15
        impulse_noise .01 .02 .05 .08 .14
        speckle_noise .15 .2 .25 .3 .35
        gaussian_blur .5 .75 1 1.25 1.5
        glass_blur .1,1,1 .5,1,1 .6,1,2 .7,2,1 .9,2,2
        defocus_blur .5,.6 1,.1 1.5,.1 2.5,.01 3,.1
        motion_blur 10,1 10,1.5 10,2 10,2.5 12,3
        zoom_blur 7,1 12,1 16,1 21,1 26,1
        snow .1,.2,1,.6,8,3,.8 .1,.2,1,.5,10,4,.8 .15,.3,1.75,.55,10,4,.7
            .25,.3,2.25,.6,12,6,.65 .3,.3,1.25,.65,14,12,.6
        frost 1,.3,.3 .9,.4,.3 .8,.45,.3 .75,.5,.3 .7,.55,.3
        fog .4,3,64 .7,3,64 1,2.5,64 1.5,2,64 2,1.75,64
        brightness .1 .2 .3 .4 .5
        contrast .4 .3 .2 .1 .05
        saturate .3,0 .1,0 2,0 5,.1 30,.2
        jpeg_compression 65 58 50 40 25
        pixelate .9 .8 .7 .6 .5
        elastic_transform 0,0,5.12 3.2,19.2,3.84 6.4,5.12,3.84 6.4,1.92,1.92 10.24,1.92,1.28
        spatter .62,.1,.7,.7,.6,0 .65,.1,.8,.7,.6,0 .65,.3,1,.69,.6,0 .65,.1,.7,.68,.6,1
            .65,.1,.5,.67,.6,1
    """,
}


def table(text):
    words, found = text.split(), {}
    for word in words:
        if word[0].isalpha():
            numbers = found.setdefault(word, [])
        else:
            numbers.append(tuple(float(number) for number in word.split(",")))
    return found


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_suite_has_the_published_numbers(name):
    suite, published = SUITES[name], table(PUBLISHED[name])
    assert set(suite.names()) == set(published) and len(published) == 19
    for entry in suite.entries:
        assert len(published[entry.name]) == 5
        for numbers, level in zip(published[entry.name], suite.levels, strict=True):
            assert tuple(entry.levels[level].values()) == pytest.approx(numbers), entry.name
    assert suite.quantize


def test_the_benchmark_has_15_corruptions_and_4_extra_ones():
    names = SUITES["imagenet_c"].names()
    assert names[-4:] == EXTRA and len(names) == 19
