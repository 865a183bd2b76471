import pytest

from mtl.data.sampler import EvalSampler, TrainSampler


def sampler(length=23, **changes):
    return TrainSampler(length, **({"batch_size": 4, "seed": 3, "rank": 0, "world_size": 1} | changes))


def epoch_of(one, epoch):
    one.set_epoch(epoch)
    return list(one)


def indices(one, epoch=0):
    return [index for index, _ in epoch_of(one, epoch)]


def test_order_depends_on_seed_and_epoch_alone():
    used = sampler()
    for _ in range(3):
        list(used)
    assert epoch_of(used, 5) == epoch_of(sampler(), 5)
    assert indices(used, 5) != indices(used, 6)
    assert indices(used, 5) != indices(sampler(seed=4), 5)


def test_each_image_comes_at_most_once_and_the_incomplete_batch_is_dropped():
    drawn = indices(sampler())
    assert len(drawn) == len(set(drawn)) == len(sampler()) == 20
    assert set(drawn) < set(range(23))
    assert drawn != sorted(drawn)


def test_all_images_come_up_over_the_epochs():
    assert {index for epoch in range(8) for index in indices(sampler(), epoch)} == set(range(23))


def test_draw_of_an_image_depends_on_seed_epoch_and_index_alone():
    few, many = dict(epoch_of(sampler(20), 2)), dict(epoch_of(sampler(60, batch_size=5, world_size=2), 2))
    both = few.keys() & many.keys()
    assert len(both) > 3
    assert all(few[index] == many[index] for index in both)
    assert len(set(few.values())) == 20
    later, other_seed = dict(epoch_of(sampler(20), 3)), dict(epoch_of(sampler(20, seed=4), 2))
    assert all(few[index] not in (later[index], other_seed[index]) for index in few)


def test_position_continues_the_same_epoch():
    whole = epoch_of(sampler(), 4)
    resumed = sampler()
    resumed.set_position(4, 3)
    assert list(resumed) == whole[12:]
    assert len(resumed) == 20
    resumed.set_epoch(5)
    assert len(list(resumed)) == 20


def test_position_at_the_end_of_an_epoch_yields_nothing():
    one = sampler()
    one.set_position(0, 5)
    assert list(one) == []


@pytest.mark.parametrize("batch", [-1, 6])
def test_position_outside_the_epoch_is_refused(batch):
    with pytest.raises(ValueError, match=f"batch is {batch}, but an epoch has 5 batches"):
        sampler().set_position(0, batch)


def test_ranks_share_the_batches_of_one_bigger_process():
    one = epoch_of(sampler(batch_size=6), 1)
    ranks = [epoch_of(sampler(batch_size=2, rank=rank, world_size=3), 1) for rank in range(3)]
    for step in range(3):
        together = [pair for rank in ranks for pair in rank[2 * step : 2 * step + 2]]
        assert sorted(together) == sorted(one[6 * step : 6 * step + 6])


def test_resumed_ranks_skip_the_same_steps():
    for rank in range(2):
        part = sampler(rank=rank, world_size=2)
        whole = epoch_of(part, 1)
        part.set_position(1, 1)
        assert list(part) == whole[4:]


def test_images_that_fill_no_batch_are_refused():
    with pytest.raises(ValueError, match=r"7 training images do not fill one batch of 4 on each of 2 .* at most 3"):
        sampler(7, world_size=2)
    assert len(sampler(8, world_size=2)) == 4


@pytest.mark.parametrize("length", [1, 6, 7, 8])
def test_evaluation_shards_are_ordered_disjoint_and_complete(length):
    shards = [list(EvalSampler(length, rank=rank, world_size=3)) for rank in range(3)]
    assert all(shard == sorted(shard) for shard in shards)
    assert sorted(index for shard in shards for index in shard) == list(range(length))
    assert [len(EvalSampler(length, rank=rank, world_size=3)) for rank in range(3)] == [len(s) for s in shards]
