const { load, relu, sequential } = require("relprop");

test("require", async () => {
  const model = await load(sequential({ input: [1] }, [relu()]));
  expect(model.predict({ data: Float32Array.of(-1), dims: [1, 1] }).output.data).toEqual(Float32Array.of(0));
});
