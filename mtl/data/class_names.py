"""Class names, in the order of their labels."""

NYUD = (
    *("wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf"),
    *("picture", "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow", "mirror", "floor mat"),
    *("clothes", "ceiling", "books", "refrigerator", "television", "paper", "towel", "shower curtain", "box"),
    *("whiteboard", "person", "night stand", "toilet", "sink", "lamp", "bathtub", "bag"),
    *("otherstructure", "otherfurniture", "otherprop"),
)
VOC = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *("diningtable", "dog", "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
)
CAMVID = (*("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "cyclist"),)
PARTS = ("background", "head", "torso", "upper arm", "lower arm", "upper leg", "lower leg")
REPLICA = tuple(
    """
    backpack base-cabinet basket bathtub beam beanbag bed bench bike bin blanket blinds book bottle box bowl camera
    cabinet candle chair chopping-board clock cloth clothing coaster comforter computer-keyboard cup cushion curtain
    ceiling cooktop countertop desk desk-organizer desktop-computer door exercise-ball faucet floor handbag hair-dryer
    handrail indoor-plant knife-block kitchen-utensil lamp laptop major-appliance mat microwave monitor mouse nightstand
    pan panel paper-towel phone picture pillar pillow pipe plant-stand plate pot rack refrigerator remote-control scarf
    sculpture shelf shoe shower-stall sink small-appliance sofa stair stool switch table table-runner tablet
    tissue-paper toilet toothbrush towel tv-screen tv-stand umbrella utensil-holder vase vent wall wall-cabinet
    wall-plug wardrobe window rug logo bag set-of-clothing
    """.split()  # noqa: SIM905
)
