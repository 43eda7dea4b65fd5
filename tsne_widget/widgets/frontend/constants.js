// Generated from Python by .ci/page_constants.py: change the constants there.

/** Characters of a displayed name. */
export const MAX_NAME = 80;

/** Characters of a displayed sentence. */
export const MAX_SENTENCE = 400;

/** Characters of a search. */
export const MAX_TEXT = 200;

/** Typing errors of a search up to which a class is suggested. */
export const MAX_TYPOS = 3;

/** Pattern of a search that is a condition on columns. */
export const CONDITION = "[<>]|[=!]=|\\bin\\s*[\\[(]";

/** How the map draws misclassified samples. */
export const MISTAKES = ["mark", "only", "plain"];

/** Selections that undo can return to. */
export const MAX_UNDO = 50;

/** Name of the class of unlabelled samples. */
export const UNKNOWN = "unknown";

/** Smaller positive values are not displayed. */
export const SMALLEST_NATS = 0.001;

/** Finders in the order of the menu that read no features. */
export const FINDERS = [{"name": "label_conflicts", "title": "Same picture, different labels", "meaning": "Equal pictures that have two labels, side by side: one of the labels is wrong.", "score": "label_conflict", "highest_first": false, "only_misclassified": false, "above": -1.0}, {"name": "misclassified", "title": "Wrong", "meaning": "The prediction differs from the label.", "score": "", "highest_first": false, "only_misclassified": true, "above": null}, {"name": "confident_mistakes", "title": "50 surest mistakes", "meaning": "Wrong, and the model is sure of it: often wrong labels or classes not learnt.", "score": "confidence", "highest_first": true, "only_misclassified": true, "above": null}, {"name": "least_confident", "title": "50 least sure", "meaning": "Predictions the model is least sure of, right or wrong.", "score": "confidence", "highest_first": false, "only_misclassified": false, "above": null}, {"name": "suspected_labels", "title": "Suspect labels", "meaning": "Labels more probably wrong than right, judged by the model and by similar pictures.", "score": "suspicion", "highest_first": true, "only_misclassified": false, "above": 0.6931471805599453}, {"name": "outliers", "title": "50 farthest outliers", "meaning": "Pictures unusually far from everything else in feature space.", "score": "outlier_score", "highest_first": true, "only_misclassified": false, "above": null}, {"name": "torn", "title": "50 least trustworthy points", "meaning": "Their neighbours on the map are not their neighbours in feature space.", "score": "trustworthiness", "highest_first": false, "only_misclassified": false, "above": null}, {"name": "duplicates", "title": "Duplicates", "meaning": "Equal pictures, pixel by pixel, side by side.", "score": "duplicate_group", "highest_first": false, "only_misclassified": false, "above": -1.0}, {"name": "near_duplicates", "title": "Near duplicates", "meaning": "Nearly equal pictures, such as a scaled or compressed copy, side by side.", "score": "near_duplicate_group", "highest_first": false, "only_misclassified": false, "above": -1.0}, {"name": "darkest", "title": "50 darkest", "meaning": "Lowest mean grey level.", "score": "picture_brightness", "highest_first": false, "only_misclassified": false, "above": null}, {"name": "brightest", "title": "50 brightest", "meaning": "Highest mean grey level.", "score": "picture_brightness", "highest_first": true, "only_misclassified": false, "above": null}, {"name": "blurriest", "title": "50 blurriest", "meaning": "Lowest variance of the Laplacian; flat pictures come first.", "score": "picture_sharpness", "highest_first": false, "only_misclassified": false, "above": null}, {"name": "odd_sizes", "title": "Odd sizes", "meaning": "Larger, smaller, wider or narrower than most by a quarter or more.", "score": "picture_size_oddity", "highest_first": true, "only_misclassified": false, "above": 1.0}];

/** Samples that a ranking finder selects. */
export const FOUND = 50;

/** Titles of the colourings and scores. */
export const TITLES = /** @type {Record<string, any>} */ ({
  "label": "label",
  "prediction": "prediction",
  "correct": "right or wrong",
  "selection": "named selection",
  "confidence": "confidence",
  "margin": "margin",
  "entropy": "entropy (nats)",
  "loss": "loss (nats)",
  "label_rank": "rank of the label",
  "label_agreement": "neighbours with the same label",
  "suspicion": "label suspicion (nats)",
  "outlier_score": "outlier score",
  "trustworthiness": "trustworthiness of the map",
  "continuity": "continuity of the map",
  "picture_brightness": "brightness",
  "picture_contrast": "contrast",
  "picture_sharpness": "sharpness",
  "picture_saturation": "saturation",
  "picture_entropy": "entropy of the grey levels (bits)",
  "picture_noise": "noise",
  "picture_hue": "dominant hue (degrees)",
  "picture_width": "width (pixels)",
  "picture_height": "height (pixels)",
  "picture_aspect": "width / height",
  "picture_size_oddity": "oddity of the size",
  "picture_border_uniformity": "uniformity of the border",
  "picture_is_grey": "grey picture",
  "jpeg_quality": "JPEG quality",
  "duplicate_group": "duplicate group",
  "near_duplicate_group": "near-duplicate group",
  "label_conflict": "same picture, different labels",
  "evidence_in_border": "evidence in the border",
  "evidence_entropy": "spread of the evidence",
  "distance_to_picture": "distance to your picture"
});

/** Scores of the pictures themselves. */
export const PICTURE_SCORES = ["picture_brightness", "picture_contrast", "picture_sharpness", "picture_saturation", "picture_entropy", "picture_noise", "picture_hue", "picture_width", "picture_height", "picture_aspect", "picture_size_oddity", "picture_border_uniformity", "picture_is_grey", "jpeg_quality", "duplicate_group", "near_duplicate_group", "label_conflict"];

/** Scores that are numbers of groups. */
export const GROUP_SCORES = ["label_conflict", "duplicate_group", "near_duplicate_group"];

/** Colour of unknown classes and values. */
export const UNKNOWN_COLOR = "#a0a0a0";

/** Colour of right predictions. */
export const RIGHT_COLOR = "#5b84b1";

/** Colour of wrong predictions. */
export const WRONG_COLOR = "#c2185b";

/** Colours on a dark ground, by the default colour. */
export const DARK_COLORS = /** @type {Record<string, any>} */ ({
  "#0294bd": "#1397dc",
  "#84171d": "#e96d88",
  "#778f01": "#9cab18",
  "#e79756": "#e5ad86",
  "#835d29": "#83712e",
  "#625ebe": "#6960c7",
  "#84b59e": "#81f3b1",
  "#b76b82": "#ad477f",
  "#1b575d": "#7fbfd1",
  "#632185": "#e8cafe",
  "#5b84b1": "#6f9ccc",
  "#c2185b": "#ff7fab",
  "#0b7fc4": "#4cc3ff",
  "#b26a00": "#ffb74d",
  "#7d6a3a": "#b58a3a",
  "#b3b3b3": "#6d6d6d"
});

/** Colours of a texture; the last one is for unknown values. */
export const TEXELS = 256;

/** Colours of amounts, low to high. */
export const RAMP_COLORS = ["#472a7a", "#472c7a", "#472d7b", "#472e7c", "#472e7c", "#472f7d", "#46307e", "#46327e", "#46337f", "#46337f", "#463480", "#453581", "#453781", "#453882", "#443983", "#443983", "#443a83", "#443b84", "#433d84", "#433e85", "#433e85", "#423f85", "#424086", "#424186", "#414287", "#414287", "#414487", "#404588", "#404688", "#3f4788", "#3f4788", "#3f4889", "#3e4989", "#3e4a89", "#3e4c8a", "#3e4c8a", "#3d4d8a", "#3d4e8a", "#3c4f8a", "#3c508b", "#3c508b", "#3b518b", "#3b528b", "#3a538b", "#3a548c", "#39558c", "#39558c", "#39568c", "#38588c", "#38598c", "#375a8c", "#375a8c", "#375b8d", "#365c8d", "#365d8d", "#355e8d", "#355e8d", "#355f8d", "#34608d", "#34618d", "#33628d", "#33628d", "#33638d", "#32648e", "#32658e", "#31668e", "#31668e", "#31678e", "#31688e", "#30698e", "#306a8e", "#306a8e", "#2f6b8e", "#2f6c8e", "#2e6d8e", "#2e6e8e", "#2e6e8e", "#2e6f8e", "#2d708e", "#2d718e", "#2c718e", "#2c728e", "#2c728e", "#2c738e", "#2b748e", "#2b758e", "#2a768e", "#2a768e", "#2a778e", "#2a788e", "#29798e", "#297a8e", "#297a8e", "#297b8e", "#287c8e", "#287d8e", "#277e8e", "#277e8e", "#277f8e", "#27808e", "#26818e", "#26828e", "#26828e", "#26828e", "#25838e", "#25848e", "#25858e", "#25858e", "#24868e", "#24878e", "#23888e", "#23898e", "#238a8d", "#238a8d", "#228b8d", "#228c8d", "#228d8d", "#218e8d", "#218e8d", "#218f8d", "#21908d", "#21918c", "#20928c", "#20928c", "#20928c", "#20938c", "#1f948c", "#1f958b", "#1f958b", "#1f968b", "#1f978b", "#1f988b", "#1f998a", "#1f998a", "#1f9a8a", "#1e9b8a", "#1e9c89", "#1e9d89", "#1e9d89", "#1f9e89", "#1f9f88", "#1fa088", "#1fa188", "#1fa187", "#1fa187", "#1fa287", "#20a386", "#20a486", "#21a585", "#21a585", "#21a685", "#22a785", "#22a884", "#23a983", "#23a983", "#24aa83", "#25ab82", "#25ac82", "#26ad81", "#26ad81", "#27ad81", "#28ae80", "#29af7f", "#2ab07f", "#2ab07f", "#2cb17e", "#2db27d", "#2eb37c", "#2fb47c", "#2fb47c", "#31b57b", "#32b67a", "#34b679", "#35b779", "#37b878", "#37b878", "#38b977", "#3aba76", "#3bbb75", "#3dbc74", "#3dbc74", "#3fbc73", "#40bd72", "#42be71", "#44bf70", "#44bf70", "#46c06f", "#48c16e", "#4ac16d", "#4cc26c", "#4cc26c", "#4ec36b", "#50c46a", "#52c569", "#54c568", "#54c568", "#56c667", "#58c765", "#5ac864", "#5cc863", "#5cc863", "#5ec962", "#60ca60", "#63cb5f", "#65cb5e", "#67cc5c", "#67cc5c", "#69cd5b", "#6ccd5a", "#6ece58", "#70cf57", "#70cf57", "#73d056", "#75d054", "#77d153", "#7ad151", "#7ad151", "#7cd250", "#7fd34e", "#81d34d", "#84d44b", "#84d44b", "#86d549", "#89d548", "#8bd646", "#8ed645", "#8ed645", "#90d743", "#93d741", "#95d840", "#98d83e", "#98d83e", "#9bd93c", "#9dd93b", "#a0da39", "#a2da37", "#a5db36", "#a5db36", "#a8db34", "#aadc32", "#addc30", "#b0dd2f", "#b0dd2f", "#b2dd2d", "#b5de2b", "#b8de29", "#bade28", "#bade28", "#bddf26", "#c0df25", "#c2df23", "#c5e021", "#c5e021", "#c8e020", "#cae11f"];

/** Colours of the bar in the key. */
export const RAMP = ["#472a7a", "#3b528b", "#2b748e", "#1f948c", "#2fb47c", "#70cf57", "#c5e021"];

/** Share of amounts at each end that gets the end's colour. */
export const TAIL = 0.01;

/** Bins of a histogram at most. */
export const HISTOGRAM_BINS = 25;

/** Bin of rows without a value. */
export const NO_BIN = 255;

/** Steps of a lattice whose values share bins. */
export const MAX_STEPS = 250;

/** Tolerance for values on a lattice, in steps. */
export const ON_LATTICE = 0.001;

/** Bins of the reliability diagram at most. */
export const RELIABILITY_BINS = 10;

/** Samples that each of them should have. */
export const SAMPLES_PER_BIN = 20;

/** Most probable classes searched for the label. */
export const TOPS = [3, 5];

/** Entries of the key to the colours. */
export const MAX_ENTRIES = 24;

/** Colours of named selections, by slot. */
export const SELECTION_COLORS = ["#ff00ff", "#ff0000", "#00c300", "#694bff", "#ff78f0", "#00873c", "#ff7800", "#ff00a5", "#e1a500", "#ff004b"];

/** Named selections. */
export const MAX_SELECTIONS = 200;

/** Word in automatic names of selections. */
export const AUTOMATIC = "Selection";

/** Characters of a selection's name. */
export const MAX_CHARACTERS = 80;

/** Words that cannot name a selection. */
export const RESERVED_NAMES = ["selected", "visible", "all", "label_conflicts", "misclassified", "confident_mistakes", "least_confident", "other_cluster", "suspected_labels", "outliers", "torn", "duplicates", "near_duplicates", "darkest", "brightest", "blurriest", "odd_sizes"];

/** Title of the legend by the kind of classes. */
export const LEGEND_TITLES = /** @type {Record<string, any>} */ ({
  "label": "Classes",
  "prediction": "Predicted classes",
  "": ""
});

/** From this many classes on, the worst come first. */
export const MANY_CLASSES = 20;

/** Groups of the colour menu. */
export const COLOR_GROUPS = ["Classes", "Scores", "Columns", "Pictures"];

/** Sorts of the gallery in the order of the menu. */
export const SORT_KEYS = ["dataset", "confidence", "margin", "entropy", "loss", "label_rank", "class", "prediction", "distance", "label_agreement", "suspicion", "outlier_score", "trustworthiness", "continuity", "picture_brightness", "picture_contrast", "picture_sharpness", "picture_saturation", "picture_entropy", "picture_noise", "picture_hue", "picture_width", "picture_height", "picture_aspect", "picture_size_oddity", "picture_border_uniformity", "picture_is_grey", "jpeg_quality", "duplicate_group", "near_duplicate_group", "label_conflict", "evidence_in_border", "evidence_entropy", "distance_to_picture"];

/** Names of the sorts that are no scores. */
export const SORT_NAMES = /** @type {Record<string, any>} */ ({
  "dataset": "dataset order",
  "class": "label"
});

/** Groups of the gallery; the last one holds the rest. */
export const MAX_GROUPS = 2000;

/** Smallest size of a tile, pixels. */
export const MIN_TILE = 56;

/** Largest size of a tile, pixels. */
export const MAX_TILE = 200;

/** Longest sides of the kernel's pictures, pixels. */
export const TILE_PIXELS = [96, 192, 384];

/** Tiles of one request. */
export const MAX_TILES_PER_REPLY = 64;

/** Orders whose first tiles come unasked. */
export const MAX_UNASKED = 8;

/** How an action on picked samples selects. */
export const PICKED_MODES = /** @type {Record<string, any>} */ ({
  "keep": "replace",
  "remove": "subtract",
  "add": "add",
  "clear": null
});

/** Characters of a displayed path. */
export const MAX_PATH = 2000;

/** Listed pairs of label and prediction. */
export const MAX_PAIRS = 20;

/** Scores that describe the picture, whatever a model makes of it. */
export const PICTURE_PROPERTIES = ["picture_brightness", "picture_contrast", "picture_sharpness", "picture_saturation", "picture_entropy", "picture_noise", "picture_hue", "picture_width", "picture_height", "picture_aspect", "picture_size_oddity", "picture_border_uniformity", "picture_is_grey", "jpeg_quality", "duplicate_group", "near_duplicate_group"];

/** Scores of the model that are compared. */
export const MODEL_PROPERTIES = ["confidence", "label_agreement", "outlier_score"];

/** Names of hues by the sixth of the circle. */
export const HUES = ["red", "yellow", "green", "cyan", "blue", "magenta"];

/** Lower and higher values in words. */
export const PROPERTY_WORDS = /** @type {Record<string, any>} */ ({
  "brightness": [
    "darker",
    "brighter"
  ],
  "contrast": [
    "flatter",
    "richer in contrast"
  ],
  "sharpness": [
    "blurrier",
    "sharper"
  ],
  "saturation": [
    "paler",
    "more colourful"
  ],
  "picture_entropy": [
    "poorer in grey levels",
    "richer in grey levels"
  ],
  "noise": [
    "less noisy",
    "noisier"
  ],
  "border_uniformity": [
    "busier at the border",
    "plainer at the border"
  ],
  "is_grey": [
    "less often grey",
    "more often grey"
  ],
  "width": [
    "less wide",
    "wider"
  ],
  "height": [
    "less high",
    "higher"
  ],
  "aspect": [
    "narrower in shape",
    "wider in shape"
  ],
  "size_oddity": [
    "of a more usual size",
    "of a less usual size"
  ],
  "jpeg_quality": [
    "more compressed",
    "less compressed"
  ],
  "duplicate_group": [
    "less often duplicates",
    "more often duplicates"
  ],
  "near_duplicate_group": [
    "less often near duplicates",
    "more often near duplicates"
  ],
  "confidence": [
    "less sure",
    "more sure"
  ],
  "label_agreement": [
    "fewer neighbours agree",
    "more neighbours agree"
  ],
  "outlier_score": [
    "less unusual",
    "more unusual"
  ]
});

/** What a property follows from. */
export const FOLLOWS = /** @type {Record<string, any>} */ ({
  "contrast": "brightness",
  "sharpness": "contrast",
  "noise": "sharpness",
  "picture_entropy": "contrast"
});

/** Known values that each side of a contrast needs. */
export const MIN_VALUES = 5;

/** Largest corrected p-value of a clear contrast. */
export const SIGNIFICANT = 0.05;

/** Smallest effect of a clear contrast. */
export const NOTABLE = 0.12;

/** Share of an effect that its origin explains. */
export const AS_MUCH = 0.8;

/** Expected counts below it are tested exactly. */
export const FEW_EXPECTED = 20;

/** Values of a category that are tested exactly. */
export const EXACT_LEVELS = 3;

/** Points of a curve. */
export const CURVE_BINS = 24;

/** Share of values at each end of a curve left out. */
export const CURVE_TAIL = 0.01;

/** Differences that are listed. */
export const MAX_CONTRASTS = 5;

/** Names in a line of properties. */
export const MAX_NAMED = 12;

/** Shortcuts that are listed. */
export const MAX_SHORTCUTS = 5;

/** Pairs of classes in the diagnosis. */
export const DIAGNOSIS_PAIRS = 2;

/** Panels that work without a kernel. */
export const PANELS = [{"view": "gallery", "title": "Images", "counted": ""}, {"view": "confusion", "title": "Confusion", "counted": ""}, {"view": "groups", "title": "Groups", "counted": "groups"}, {"view": "diagnosis", "title": "Diagnosis", "counted": ""}, {"view": "scores", "title": "Scores", "counted": ""}, {"view": "selections", "title": "Saved", "counted": ""}];
