/**
 * A font of 5 pixels' width, for pictures. A glyph is its rows from the top, one digit of base 32 each: the leftmost
 * pixel counts 16, the rightmost 1. Seven rows stand on the baseline, two more hang below it where they are needed.
 */
const glyphs: Readonly<Record<string, string>> = {
  ...{
    " ": "0000000",
    "!": "4444404",
    '"': "aa00000",
    "#": "aavavaa",
    $: "4fke5u4",
    "%": "pp248jj",
    "&": "cik8lid",
    "'": "4400000",
  },
  ...{
    "(": "2488842",
    ")": "8422248",
    "*": "04lel40",
    "+": "044v440",
    ",": "00000c480",
    "-": "000v000",
    ".": "00000cc",
    "/": "11248gg",
  },
  ...{ 0: "ehjlphe", 1: "4c4444e", 2: "eh1248v", 3: "eh161he", 4: "26aiv22", 5: "vgu11he", 6: "68guhhe", 7: "v124888" },
  ...{
    8: "ehhehhe",
    9: "ehhf12c",
    ":": "00cc0cc",
    ";": "00cc0c480",
    "<": "248g842",
    "=": "00v0v00",
    ">": "8421248",
    "?": "eh12404",
  },
  ...{
    "@": "ehnlngf",
    A: "ehhvhhh",
    B: "uhhuhhu",
    C: "ehggghe",
    D: "uhhhhhu",
    E: "vgguggv",
    F: "vgguggg",
    G: "ehgnhhf",
  },
  ...{ H: "hhhvhhh", I: "e44444e", J: "72222ic", K: "hikokih", L: "ggggggv", M: "hrllhhh", N: "hhpljhh", O: "ehhhhhe" },
  ...{ P: "uhhuggg", Q: "ehhhlid", R: "uhhukih", S: "fgge11u", T: "v444444", U: "hhhhhhe", V: "hhhhha4", W: "hhhllla" },
  ...{
    X: "hha4ahh",
    Y: "hha4444",
    Z: "v1248gv",
    "[": "e88888e",
    "\\": "gg84211",
    "]": "e22222e",
    "^": "4ah0000",
    _: "0000000v",
  },
  ...{
    "`": "8400000",
    a: "00e1fhf",
    b: "ggmphhu",
    c: "00egghe",
    d: "11djhhf",
    e: "00ehvge",
    f: "698s888",
    g: "00fhhhf1e",
  },
  ...{
    h: "ggmphhh",
    i: "40c444e",
    j: "2062222ic",
    k: "ggikoki",
    l: "c44444e",
    m: "00qllll",
    n: "00mphhh",
    o: "00ehhhe",
  },
  ...{
    p: "00uhhhugg",
    q: "00fhhhf11",
    r: "00noggg",
    s: "00fge1u",
    t: "88s8896",
    u: "00hhhjd",
    v: "00hhha4",
    w: "00hhlla",
  },
  ...{
    x: "00ha4ah",
    y: "00hhhhf1e",
    z: "00v248v",
    "{": "2448442",
    "|": "4444444",
    "}": "8442448",
    "~": "008l200",
    "…": "000000l",
  },
  ...{
    α: "00diiid",
    β: "ehuhhhugg",
    γ: "00hhaa444",
    ε: "00fgegf",
    "⁺": "4e40000",
    "⁻": "0e00000",
    "²": "c24e000",
    "−": "000v000",
  },
};
/** For characters that the font has not. */
const MISSING = "vhhhhhv";

/** Pixels from one character, and from one line, to the next. */
export const ADVANCE = 6;
export const LEADING = 11;

/** The pixels of a line of text that are set, from its upper left corner. */
export function pixelsOf(text: string): { readonly x: number; readonly y: number }[] {
  return [...text].flatMap((character, i) =>
    [...(glyphs[character] ?? MISSING)].flatMap((digit, y) =>
      [0, 1, 2, 3, 4]
        .filter((x) => (Number.parseInt(digit, 32) >> (4 - x)) & 1)
        .map((x) => ({ x: i * ADVANCE + x, y })),
    ),
  );
}
