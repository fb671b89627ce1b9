"""Figures in a large window: what is a length in px grows, and nothing that has the unit of an axis."""

import numpy as np
import plotly.graph_objects as go

from tamrl.figures.large import enlarged
from tamrl.figures.style import style


def drawn():
    figure = go.Figure(
        [
            go.Scatter(x=[0, 1], y=[2, 3], marker=dict(size=[4, 6], line=dict(width=1)), line=dict(width=1.5)),
            go.Histogram(x=[1, 2, 3], xbins=dict(size=0.5)),
            go.Bar(x=[1], y=[1], width=0.8, error_y=dict(array=[2], width=3)),
            go.Heatmap(z=np.eye(2), colorbar=dict(thickness=9, len=0.5, tickfont=dict(size=11))),
        ]
    )
    figure.add_annotation(text="a", x=1, y=1, font=dict(size=13), yshift=-16)
    figure.add_layout_image(source="data:,", x=0, y=0, sizex=3, sizey=2)
    return style(figure, "light", 300)


def test_lengths_grow_and_data_do_not():
    large = enlarged(drawn(), 2)
    line, bins, bar, field = large.data
    assert large.layout.height == 600
    look = large.layout.template.layout
    assert look.margin.t == 68
    assert look.font.size == 24
    assert look.xaxis.tickfont.size == 22
    assert look.legend.font.size == 24
    assert list(line.marker.size) == [8, 12]
    assert line.marker.line.width == 2
    assert line.line.width == 3
    assert list(line.y) == [2, 3]
    assert bins.xbins.size == 0.5
    assert bar.width == 0.8
    assert bar.error_y.width == 6
    assert list(bar.error_y.array) == [2]
    assert field.colorbar.thickness == 18
    assert field.colorbar.len == 0.5
    assert field.colorbar.tickfont.size == 22
    assert large.layout.annotations[0].font.size == 26
    assert large.layout.annotations[0].yshift == -32
    assert (large.layout.images[0].sizex, large.layout.images[0].sizey) == (3, 2)


def test_the_figure_itself_stays_as_it_is():
    figure = drawn()
    before = figure.to_json()
    enlarged(figure, 1.75)
    assert figure.to_json() == before
