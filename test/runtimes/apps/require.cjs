const relprop = require("relprop");

import("./report.mjs").then(({ report }) => report(relprop)).then(console.log);
