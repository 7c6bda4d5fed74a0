"""zennit on the network of a plan that zennit.mjs wrote: one request a line on stdin, one answer a line on stdout.

    python zennit_process.py PLAN.json
    {"composite": "epsilonPlus", "target": 3, "input": "x.f32", "relevance": "r.f32" or null}
    -> {"ms": ..., "logit": ..., "peak": bytes of memory that the process has held at most}

Only the attribution is timed: forward, and relevance to the input.
"""
import json
import resource
import sys
import time
from importlib import metadata

import numpy
import torch
from torch import nn
from torch.nn.functional import pad
from zennit.attribution import Gradient
from zennit.composites import EpsilonAlpha2Beta1, EpsilonPlus
from zennit.layer import Sum

torch.set_num_threads(1)

COMPOSITES = {'epsilonPlus': EpsilonPlus, 'epsilonAlpha2Beta1': EpsilonAlpha2Beta1}


class Padded(nn.Module):
    """A window with a padding of its own on each side, pads = [top, left, bottom, right]."""

    def __init__(self, pads, value, window):
        super().__init__()
        top, left, bottom, right = pads
        self.sides, self.value, self.window = (left, right, top, bottom), value, window

    def forward(self, x):
        return self.window(pad(x, self.sides, value=self.value))


class Concat(nn.Module):
    def forward(self, *xs):
        return torch.cat(xs, 1)


class Add(nn.Module):
    """The sum as a layer of zennit's, so that its rule for sums finds it."""

    def __init__(self):
        super().__init__()
        self.sum = Sum(-1)

    def forward(self, *xs):
        return self.sum(torch.stack(xs, -1))


def windowed(make, a, value):
    """`make(padding)`, with torch's own padding where both sides are equal."""
    top, left, bottom, right = a['pads']
    if (top, left) == (bottom, right):
        return make((top, left))
    return Padded(a['pads'], value, make(0))


def conv(a, weight, bias):
    m, inputs, kh, kw = weight.shape

    def make(padding):
        layer = nn.Conv2d(inputs * a['group'], m, (kh, kw), a['strides'], padding, a['dilations'], a['group'], bias is not None)
        return with_parameters(layer, weight, bias)
    return windowed(make, a, 0.)


def dense(a, weight, bias):
    return with_parameters(nn.Linear(weight.shape[1], weight.shape[0], bias is not None), weight, bias)


def with_parameters(layer, weight, bias):
    layer.weight = nn.Parameter(weight, requires_grad=False)
    if bias is not None:
        layer.bias = nn.Parameter(bias, requires_grad=False)
    return layer


LAYERS = {
    'Conv': conv,
    'Gemm': dense,
    'Relu': lambda a: nn.ReLU(),
    'Clip': lambda a: nn.Hardtanh(a['low'], a['high']) if (a['low'], a['high']) != (0, 6) else nn.ReLU6(),
    'MaxPool': lambda a: windowed(lambda p: nn.MaxPool2d(a['kernel'], a['strides'], p, a['dilations']), a, float('-inf')),
    'AveragePool': lambda a: nn.AvgPool2d(a['kernel'], a['strides'], a['pads'][:2], count_include_pad=a['countPads']),
    'GlobalAveragePool': lambda a: nn.AdaptiveAvgPool2d(1),
    'LRN': lambda a: nn.LocalResponseNorm(2 * a['radius'] + 1, a['a'] * (2 * a['radius'] + 1), a['beta'], a['bias']),
    'Add': lambda a: Add(),
    'Concat': lambda a: Concat(),
    'Flatten': lambda a: nn.Flatten(),
}


class Network(nn.Module):
    """The layers of a plan, in its order."""

    def __init__(self, plan):
        super().__init__()
        numbers = numpy.memmap(plan['weights'], numpy.float32, 'r')
        self.plan = plan
        self.layers = nn.ModuleList()
        for layer in plan['layers']:
            parameters = {
                name: torch.from_numpy(numpy.array(numbers[p['at']:p['at'] + numpy.prod(p['dims'], dtype=int)]).reshape(p['dims']))
                for name, p in layer['parameters'].items()
            }
            if 'weight' in parameters:
                parameters.setdefault('bias', None)
            self.layers.append(LAYERS[layer['type']](layer['attributes'], **parameters))

    def forward(self, x):
        values = {self.plan['input']: x}
        for layer, module in zip(self.plan['layers'], self.layers):
            values[layer['name']] = module(*(values[name] for name in layer['inputs']))
        return values[self.plan['layers'][-1]['name']]


def answer(model, dims, composite, target, input, relevance):
    x = torch.from_numpy(numpy.fromfile(input, numpy.float32).reshape(dims)).requires_grad_()

    def start(output):
        one = torch.zeros_like(output)
        one[:, target] = output[:, target]
        return one

    with Gradient(model, COMPOSITES[composite]()) as attributor:
        begin = time.perf_counter()
        output, r = attributor(x, start)
        ms = 1000 * (time.perf_counter() - begin)
    if relevance:
        r.detach().numpy().astype(numpy.float32).tofile(relevance)
    return {'ms': ms, 'logit': float(output[0, target]), 'peak': 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}


def main():
    with open(sys.argv[1], encoding='utf8') as file:
        plan = json.load(file)
    missing = next((layer['type'] for layer in plan['layers'] if layer['type'] not in LAYERS), None)
    if missing:
        print(json.dumps({'cannot': missing}), flush=True)
        return
    model = Network(plan).eval()
    try:
        version = metadata.version('zennit')
    except metadata.PackageNotFoundError:
        version = 'from its sources'
    print(json.dumps({'torch': torch.__version__, 'zennit': version}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(model, plan['dims'], **json.loads(line))), flush=True)


main()
