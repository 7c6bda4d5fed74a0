import relprop = require("relprop");

export const load: typeof relprop.load = relprop.load;
