// Next is installed elsewhere, and linked.
export default { turbopack: { root: "/" } };
