"""Train three small classifiers of sentences, and export them: python3 demo/text/train.py

The sentences are judgements, made from the templates below. What the writer thinks decides their class; negation turns
a judgement around, and what others think, or what is granted, says nothing. So single words do not decide.
Writes sentiment.onnx (a transformer), sentiment_lstm.onnx, sentiment_gru.onnx, vocabulary.json, tokenizer.json, and
sentences.json with sentences that were not trained on and with logits in double precision.
"""
import json
import math
import random
from pathlib import Path

import onnx
import torch
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
CLASSES = ["negative", "positive"]
PAD, UNKNOWN, START, END, MASK = SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
TRAIN, HELD_OUT, EPOCHS, BATCH, LENGTH = 16000, 300, 14, 128, 32
REFERENCES = 12  # how many of the held-out sentences have logits in double precision

THINGS = ("film book song meal soup bread hotel garden phone camera concert lecture holiday train coffee "
          "museum game jacket chair story").split()
GOOD = "great wonderful charming excellent lovely brilliant pleasant superb delightful splendid".split()
BAD = "awful boring terrible dreadful ugly dull poor annoying horrible disappointing".split()
LIKE, DISLIKE = "love enjoy like admire".split(), "hate dislike regret despise".split()
PLAIN = "old new long short blue small".split()
DEGREES = "very really quite so rather".split()
OTHERS = ["my brother", "her aunt", "our neighbour", "everyone else", "the critic"]
ENDINGS = ["on monday", "in the end", "last week", "with my family", "as usual"]


class Writer:
    """Writes one sentence after another, each with its class."""

    def __init__(self, seed):
        self.draw = random.Random(seed)

    def one(self, words):
        return self.draw.choice(words)

    def maybe(self, words, chance=0.35):
        return f"{self.one(words)} " if self.draw.random() < chance else ""

    def thing(self):
        return f"{self.one(['the', 'this', 'that'])} {self.maybe(PLAIN, 0.25)}{self.one(THINGS)}"

    def judged(self, good):
        return self.maybe(DEGREES) + self.one(GOOD if good else BAD)

    def claim(self, good, subject):
        """That something is good or bad, by the word itself or by the negation of its opposite."""
        verb = self.one(["was", "seemed", "felt"])
        if self.draw.random() < 0.5:
            return f"{subject} {verb} {self.judged(good)}"
        return self.one([
            f"{subject} {verb} {self.one(['not', 'never', 'hardly'])} {self.judged(not good)}",
            f"nobody could call {subject} {self.judged(not good)}",
            f"{subject} {verb} not {self.one(BAD if good else GOOD)} but {self.one(GOOD if good else BAD)}",
        ])

    def feeling(self, good):
        if self.draw.random() < 0.5:
            return f"i {self.maybe(DEGREES[1:2])}{self.one(LIKE if good else DISLIKE)} {self.thing()}"
        return f"i {self.one(['do not', 'did not', 'never'])} {self.one(DISLIKE if good else LIKE)} {self.thing()}"

    def sentence(self):
        """A sentence and its class: what the writer thinks of what the main clause is about."""
        good = self.draw.random() < 0.5
        other = self.draw.random() < 0.5
        aside = f"{self.one(OTHERS)} {self.one(['found it', 'called it'])} {self.judged(other)}"
        text = self.one([
            lambda: self.claim(good, self.thing()),
            lambda: self.feeling(good),
            lambda: f"{self.judged(not good)} it was not , {self.thing()}",
            lambda: f"{self.judged(good)} it was , {self.thing()}",
            lambda: f"{aside} , but i thought {self.claim(good, self.thing())}",
            lambda: f"i thought {self.claim(good, self.thing())} , but {aside}",
            lambda: f"although {self.claim(other, self.thing())} , {self.claim(good, self.thing())}",
            lambda: f"{self.claim(good, self.thing())} , although {self.claim(other, self.thing())}",
            lambda: f"{aside} , yet {self.feeling(good)}",
        ])()
        return text + (f" {self.one(ENDINGS)}" if self.draw.random() < 0.3 else ""), int(good)


def sentences(seed, count, without=()):
    """Different sentences, none of them among `without`."""
    writer, found = Writer(seed), {}
    while len(found) < count:
        text, label = writer.sentence()
        if text not in without and len(text.split()) + 2 <= LENGTH:
            found[text] = label
    return list(found.items())


class Block(nn.Module):
    """Attention and two dense layers, with LayerNormalization before each, and residual connections."""

    def __init__(self, width, heads, inner):
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.wide, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)

    def forward(self, x, mask):
        def split(values):
            return values.view(values.shape[0], values.shape[1], self.heads, -1).transpose(1, 2)
        y = self.before(x)
        q, k, v = split(self.query(y)), split(self.key(y)), split(self.value(y))
        weights = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + mask).softmax(-1)
        x = x + self.out((weights @ v).transpose(1, 2).flatten(2))
        return x + self.narrow(F.gelu(self.wide(self.between(x))))


class Transformer(nn.Module):
    """Two blocks; the classes are read at the first token."""

    def __init__(self, words, width=32, heads=4, inner=64, blocks=2):
        super().__init__()
        self.words, self.positions = nn.Embedding(words, width), nn.Embedding(LENGTH, width)
        self.blocks = nn.ModuleList(Block(width, heads, inner) for _ in range(blocks))
        self.last, self.classes = nn.LayerNorm(width), nn.Linear(width, len(CLASSES))

    def forward(self, ids, mask):
        x = self.words(ids) + self.positions(torch.arange(ids.shape[1]))[None]
        hidden = (1 - mask[:, None, None, :].to(x.dtype)) * -10000
        for block in self.blocks:
            x = block(x, hidden)
        return self.classes(self.last(x[:, 0]))


class Recurrent(nn.Module):
    """LSTM or GRU; the classes are read behind the last token."""

    def __init__(self, words, cell, width=24, hidden=32):
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.cell = cell(width, hidden, batch_first=True)
        self.classes = nn.Linear(hidden, len(CLASSES))

    def forward(self, ids):
        last = self.cell(self.words(ids))[1]
        return self.classes((last[0] if isinstance(last, tuple) else last)[0])


def batches(data, vocabulary, generator):
    """Batches of sentences of one length, some of their words masked, in a random order."""
    lengths = {}
    for text, label in data:
        ids = ids_of(text, vocabulary)
        lengths.setdefault(len(ids), []).append((ids, label))
    parts = []
    for rows in lengths.values():
        order = torch.randperm(len(rows), generator=generator).tolist()
        parts += [[rows[i] for i in order[at:at + BATCH]] for at in range(0, len(rows), BATCH)]
    for at in torch.randperm(len(parts), generator=generator).tolist():
        ids = torch.tensor([row for row, _ in parts[at]])
        share = torch.rand(len(ids), 1, generator=generator) * 0.8 - 0.3
        masked = (torch.rand(ids.shape, generator=generator) < share) & (ids >= len(SPECIAL))
        yield ids.masked_fill(masked, vocabulary[MASK]), torch.tensor([label for _, label in parts[at]])


def ids_of(text, vocabulary):
    words = [START, *text.split(), END]
    return [vocabulary.get(word, vocabulary[UNKNOWN]) for word in words]


def logits_of(model, ids):
    return model(ids, torch.ones_like(ids)) if isinstance(model, Transformer) else model(ids)


def train(model, data, vocabulary, rate):
    """Adam with a one-cycle learning rate."""
    generator = torch.Generator().manual_seed(3)
    steps = EPOCHS * sum(1 for _ in batches(data, vocabulary, generator))
    optimizer = torch.optim.Adam(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps)
    for epoch in range(EPOCHS):
        losses = []
        for ids, labels in batches(data, vocabulary, generator):
            loss = F.cross_entropy(logits_of(model, ids), labels)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        print(f"epoch {epoch + 1}: loss {sum(losses) / len(losses):.4f}", flush=True)
    model.eval()


def export(model, path, names):
    """Write the ONNX file, with the sizes of batch and sentence free, less its stack traces."""
    example = tuple(torch.ones(2, 7, dtype=torch.int64) for _ in names)
    torch.onnx.export(model, example, str(path), opset_version=17, input_names=names, output_names=["logits"],
                      dynamic_axes={**{name: {0: "n", 1: "t"} for name in names}, "logits": {0: "n"}})
    file = onnx.load(str(path))
    onnx.helper.strip_doc_string(file)
    onnx.checker.check_model(file)
    assert b".py" not in file.SerializeToString(), "a source path is left in the file"
    onnx.save(file, str(path))
    print(f"{path.name}: {path.stat().st_size} bytes, {len(file.graph.node)} nodes")


def write(name, content):
    (HERE / name).write_text(json.dumps(content, indent=1) + "\n")


def tokenizer(vocabulary):
    """What Hugging Face's tokenizers read: lower case, words between spaces, a token before and one behind."""
    def token(word):
        return {"id": vocabulary[word], "content": word, "single_word": False, "lstrip": False, "rstrip": False,
                "normalized": False, "special": True}
    def special(word):
        return {"SpecialToken": {"id": word, "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [token(word) for word in SPECIAL],
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": {
            "type": "TemplateProcessing", "single": [special(START), {"Sequence": {"id": "A", "type_id": 0}}, special(END)],
            "pair": [special(START), {"Sequence": {"id": "A", "type_id": 0}}, special(END),
                     {"Sequence": {"id": "B", "type_id": 0}}, special(END)],
            "special_tokens": {word: {"id": word, "ids": [vocabulary[word]], "tokens": [word]} for word in [START, END]}},
        "decoder": None, "model": {"type": "WordLevel", "vocab": vocabulary, "unk_token": UNKNOWN}}


def main():
    """Write sentences, train on them, measure on others, export."""
    torch.set_num_threads(1)
    torch.manual_seed(5)
    data = sentences(1, TRAIN)
    others = sentences(2, HELD_OUT, dict(data))
    words = sorted({word for text, _ in data for word in text.split()})
    vocabulary = {word: i for i, word in enumerate([*SPECIAL, *words])}
    rows = [{"text": text, "ids": ids_of(text, vocabulary), "label": label} for text, label in others]
    for name, file, model, rate in [
            ("transformer", "sentiment.onnx", Transformer(len(vocabulary)), 4e-3),
            ("lstm", "sentiment_lstm.onnx", Recurrent(len(vocabulary), nn.LSTM), 1e-2),
            ("gru", "sentiment_gru.onnx", Recurrent(len(vocabulary), nn.GRU), 1e-2)]:
        train(model, data, vocabulary, rate)
        inputs = ["input_ids", "attention_mask"] if isinstance(model, Transformer) else ["input_ids"]
        export(model, HERE / file, inputs)
        with torch.no_grad():
            model.double()
            all_logits = [logits_of(model, torch.tensor([row["ids"]]))[0] for row in rows]
        right = [int(logits.argmax()) == row["label"] for logits, row in zip(all_logits, rows)]
        print(f"{name}: {sum(right)} of {len(right)} held-out sentences are right")
        for row, logits in list(zip(rows, all_logits))[:REFERENCES]:
            row[name] = logits.tolist()
    write("vocabulary.json", vocabulary)
    write("tokenizer.json", tokenizer(vocabulary))
    (HERE / "sentences.json").write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")


if __name__ == "__main__":
    main()
