import { expect, test } from "vitest";
import { addressOf, shownAddress } from "../../src/queue/address.ts";

test.each([
  ["redis://queue.example", { host: "queue.example", port: 6379, tls: false, db: 0, name: undefined }],
  ["redis://localhost:6400/photos?db=2", { host: "localhost", port: 6400, db: 2, name: "photos" }],
  ["rediss://me:p%40ss@[::1]/a.b-c_1", { host: "::1", tls: true, username: "me", password: "p@ss", name: "a.b-c_1" }],
  ["redis://:@localhost", { username: undefined, password: undefined }],
])("%s", (text, wanted) => {
  expect(addressOf(text)).toMatchObject(wanted);
});

test("a password of the address comes before another", () => {
  expect(addressOf("redis://:own@localhost", "other").password).toBe("own");
  expect(addressOf("redis://localhost", "other").password).toBe("other");
});

test.each([
  ["localhost", "none of the form"],
  ["http://localhost/a", "expected redis: or rediss:, got http:"],
  ["redis:///a", "no host"],
  ["redis://localhost/a:b", "the queue's name: expected up to 100 letters"],
  ["redis://localhost/a/b", "the queue's name"],
  ["redis://localhost/a*", "the queue's name"],
  ["redis://localhost/a?db=x", "expected the number of a database, got 'x'"],
  ["redis://localhost/a?family=6", "only ?db=N behind the name, got 'family'"],
])("%s is refused", (text, problem) => {
  expect(() => addressOf(text)).toThrow(problem);
});

test("what is shown has no password, and is what was meant", () => {
  for (const text of ["redis://h/a?db=3", "rediss://h:1/a", "redis://[::1]"])
    expect(shownAddress(addressOf(text.replace("://", "://me:secret@")))).toBe(text);
  for (const text of ["http://:secret@h", "redis://:secret@h/*", "redis://:secret@h?x=1", "redis://:secret@"])
    expect(() => addressOf(text)).toThrow(expect.not.objectContaining({ message: expect.stringContaining("secret") }));
});
