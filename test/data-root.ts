/** Real models, pictures and data sets are not part of the project: `RELPROP_DATA` or ../shared/data beside it. */
export const dataRoot = process.env.RELPROP_DATA ?? "../shared/data";
