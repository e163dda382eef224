"""The printed mat: markers, grey patches and a dark field round the card's place.

One layout (:mod:`~rcg.photometric.mat.layout`) is printed, rendered and looked for. Seen in a capture it says
how the frames lie to each other, how large a millimetre is, how bright each frame was exposed, and from which
side each was lit. Coordinates are the mat's own: millimetres, x right, y up, origin at the middle of the
card's place, light 1 at the top.
"""
