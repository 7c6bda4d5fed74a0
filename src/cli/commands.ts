import { INPUTS, PICTURES, SIDECAR, TEXT } from "./about.ts";
import type { Command } from "./command.ts";
import { evaluate } from "./evaluate/evaluate.ts";
import { merge } from "./evaluate/merge.ts";
import { explain } from "./explain.ts";
import { inspect } from "./inspect.ts";
import { inGroup } from "./options.ts";
import { predict } from "./predict.ts";
import { queueCommands } from "./queue/commands.ts";
import { serve } from "./serve.ts";
import { sheet } from "./sheet.ts";
import { printComposites, printMethods, printMetrics, printRules } from "./tables.ts";

export const commands: readonly Command[] = [
  {
    name: "explain",
    takes: ["MODEL", "INPUT…"],
    instead: "text",
    summary: "draws which parts of an input a decision rests on",
    about: [
      "Runs an ONNX model and passes the score of one class back to the input by Layer-wise Relevance " +
        "Propagation, or by another method. Red pixels speak for the class, blue ones against it.",
      PICTURES,
      INPUTS,
      TEXT,
      SIDECAR,
    ],
    options: [
      "target",
      "output",
      "outputs",
      "against",
      "start",
      ...inGroup("axes"),
      ...inGroup("rules"),
      ...inGroup("method"),
      "at",
      "sample",
      "classes",
      ...inGroup("text"),
      ...inGroup("similar"),
      ...inGroup("picture"),
      ...inGroup("model"),
      "out",
      "show",
      "over",
      "colormap",
      "layout",
      "smooth",
      "cap",
      "zoom",
      "json",
    ],
    examples: [
      ["a heatmap", "relprop explain googlenet.onnx flamingo.jpg --preset caffe --out heat.png"],
      [
        "another class by its name, drawn over the picture",
        "relprop explain googlenet.onnx photo.jpg --preset caffe --classes words.txt --target goldfish --over " +
          "--out fish.png",
      ],
      [
        "why a dog and not a wolf",
        "relprop explain model.onnx dog.jpg --preset torchvision --target 207 --against 269 --out why.png",
      ],
      [
        "other rules, and numbers in place of a picture",
        "relprop explain model.onnx x.npy --composite epsilonGammaBox --low -1 --high 1 --out r.npy",
      ],
      ["another method", "relprop explain model.onnx x.npy --method occlusion --window 8 --strides 4 --out lost.png"],
      [
        "a class at a place of a segmentation",
        "relprop explain unet.onnx x.npy --target 2 --position 40,64 --out heat.png",
      ],
      [
        "which words speak for a class",
        'relprop explain bert.onnx --text "a hidden gem" --tokenizer tokenizer.json --show --out heat.html',
      ],
      ["the relevance of a layer, for a script", "relprop explain model.onnx x.npy --at conv1 --json"],
    ],
    run: explain,
  },
  {
    name: "predict",
    takes: ["MODEL", "INPUT…"],
    instead: "text",
    summary: "runs a network and lists the best classes",
    about: [PICTURES, INPUTS, TEXT, SIDECAR],
    options: [
      "output",
      "outputs",
      "top",
      "classes",
      "position",
      "class-axis",
      "batch",
      "channel-axis",
      ...inGroup("text"),
      ...inGroup("picture"),
      ...inGroup("model"),
      "json",
    ],
    examples: [
      ["the three best classes", "relprop predict mobilenet.onnx cat.jpg --preset mobilenet --top 3"],
      [
        "the next token of a text",
        'relprop predict gpt.onnx --text "the cat sat" --tokenizer tokenizer.json --classes tokenizer.json --position -1',
      ],
      ["a model of two inputs", "relprop predict bert.onnx input_ids=101,2023,102 attention_mask=1,1,1"],
    ],
    run: predict,
  },
  {
    name: "sheet",
    takes: ["MODEL", "INPUT…"],
    summary: "draws one input under every composite, in one picture",
    about: [
      "Explains one class under each composite, and draws the input first if it is a picture. Each heatmap has its own " +
        "scale. A composite that needs options which are not given (epsilonGammaBox: --low and --high), or that has " +
        "no rule for this network, is left out and named; if --composites asks for it, that is an error. Options for " +
        "rules go to the composites that take them.",
      PICTURES,
      INPUTS,
      SIDECAR,
    ],
    needs: ["out"],
    options: [
      "target",
      "output",
      "outputs",
      "against",
      "start",
      ...inGroup("axes"),
      "composites",
      ...inGroup("rules").filter((name) => name !== "composite"),
      "sample",
      "classes",
      ...inGroup("picture"),
      ...inGroup("model"),
      "out",
      "columns",
      "over",
      "colormap",
      "smooth",
      "cap",
    ],
    examples: [
      ["all composites", "relprop sheet googlenet.onnx flamingo.jpg --preset caffe --out sheet.png"],
      [
        "three of them",
        "relprop sheet model.onnx x.npy --composites epsilon,epsilonPlus,gradient --columns 3 --out sheet.png",
      ],
    ],
    run: sheet,
  },
  {
    name: "inspect",
    takes: ["MODEL"],
    summary: "lists the operators of a network, and their rules",
    about: [
      "Prints the inputs and outputs of a network, how much memory an explanation needs, and whether the network can be " +
        "explained. Operators that are alike share a line, which has their number, their window, the rule that they get, " +
        "and the shape of the first one's output.",
    ],
    options: [
      "dims",
      "output",
      "outputs",
      "batch",
      "channel-axis",
      ...inGroup("rules"),
      ...inGroup("model"),
      "full",
      "json",
    ],
    examples: [["the rules that epsilonPlus chooses", "relprop inspect model.onnx --composite epsilonPlus"]],
    run: inspect,
  },
  {
    name: "evaluate",
    takes: ["MODEL", "DATA"],
    summary: "measures explanations of many images",
    about: [
      "Explains every image of DATA by every method, measures how faithful, simple and robust each explanation is, and " +
        "writes a report with confidence intervals to a folder: report.html, summary.csv, results.csv, curves.csv, " +
        "results.json.",
      "MODEL is a network of one input. DATA is a folder of pictures, .npy or .npz files; an idx file (MNIST; its labels " +
        "are found beside it) or a CIFAR-10 binary (.bin), also in gzip; or a .npy or .npz file of [n, ...], whose " +
        "labels are a list in NAME.labels.json. Pictures are prepared as in 'relprop explain'.",
      "If the command is interrupted, run the same line again: it continues with the images that are missing, and writes " +
        "the same report. Only the metric 'time' differs from run to run.",
    ],
    needs: ["methods", "metrics", "out"],
    options: [
      "methods",
      "metrics",
      "out",
      ...inGroup("evaluate").filter((name) => name !== "methods" && name !== "metrics"),
      "workers",
      "queue",
      "data",
      "seed",
      "target",
      "against",
      ...inGroup("axes"),
      "classes",
      ...inGroup("picture"),
      ...inGroup("model"),
    ],
    examples: [
      [
        "the most faithful of three composites",
        "relprop evaluate model.onnx photos --preset caffe --methods epsilonPlus,epsilon,gradient --metrics " +
          "relevanceGain,gini --region 16 --out report",
      ],
      [
        "two rules for LRN on a data set, on the first of two machines",
        "relprop evaluate net.onnx test_batch.bin --preset raw --methods " +
          "paperEpsilon:lrn=identity,paperEpsilon:lrn=taylor --metrics morf,minAbs --shard 1/2 --out half",
      ],
      [
        "by all machines that run 'relprop work redis://HOST'",
        "relprop evaluate model.onnx photos --preset caffe --methods epsilonPlus,gradient --metrics morf " +
          "--queue redis://HOST/photos --out report",
      ],
    ],
    run: evaluate,
  },
  {
    name: "merge",
    takes: ["DIR…"],
    summary: "joins folders of 'relprop evaluate --shard'",
    about: [
      "The folders must belong to one evaluation, and together they must have every image. The command writes the report " +
        "of all images.",
    ],
    needs: ["out"],
    options: ["out"],
    examples: [["the folders of two machines", "relprop merge half otherhalf --out report"]],
    run: merge,
  },
  ...queueCommands,
  {
    name: "serve",
    takes: ["MODEL…"],
    summary: "answers over HTTP with predictions and explanations",
    about: [
      "POST /predict/NAME and POST /explain/NAME take a picture, a .npy or .npz file, or JSON, and answer with JSON, a " +
        "picture, or HTML for a text. NAME is the file's name without its ending. The query has the options, under the " +
        "names of the library: /explain/NAME?composite=epsilonPlus&target=3. GET / says more, and GET /models, /health, " +
        "/metrics and /openapi.json are for programs.",
      "A number of threads (--workers) do the work. A request that takes longer than --timeout ends its thread, which is " +
        "replaced. On SIGTERM and Ctrl-C, the service finishes the requests that run, refuses those that wait, and " +
        "exits with 0.",
      SIDECAR,
    ],
    options: [...inGroup("work"), "max-pixels", ...inGroup("model")],
    examples: [
      ["one network", "relprop serve googlenet.onnx"],
      ["two, for other machines too", "relprop serve cats.onnx dogs.onnx --host 0.0.0.0 --port 80 --workers 4"],
    ],
    run: serve,
  },
  {
    name: "rules",
    takes: [],
    summary: "lists the rules, with equations and sources",
    about: [],
    options: [],
    examples: [],
    run: printRules,
  },
  {
    name: "composites",
    takes: [],
    summary: "lists the composites: which layers get which rule",
    about: [],
    options: [],
    examples: [],
    run: printComposites,
  },
  {
    name: "methods",
    takes: [],
    summary: "lists other methods of attribution",
    about: [],
    options: [],
    examples: [],
    run: printMethods,
  },
  {
    name: "metrics",
    takes: [],
    summary: "lists the metrics of explanations",
    about: [],
    options: [],
    examples: [],
    run: printMetrics,
  },
];
